"""Whether a release on a host, and supervisord's environment there, are still as their bundle.

The chain: the signature proves SHA256SUMS, that each wheel kept on the host, and each wheel the
files that it holds. What pip writes itself is checked for being what pip writes. Python itself is
the system's, and told.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloudhands.common.errors import BundleError, NotFound
from cloudhands.ops.bundle import signature, sums, wheels
from cloudhands.ops.bundle.comparison import Comparison
from cloudhands.ops.bundle.environment import SUPERVISOR
from cloudhands.ops.bundle.host import VENV, Host, Release
from cloudhands.ops.bundle.manifest import SUMS, WHEELS


@dataclass(frozen=True)
class Found:
    """What a comparison found.

    :param interpreter: the system's Python, which no bundle proves.
    :param files: how many are as the bundle has them.
    :param wrong: a line for each that is not.
    """

    version: str
    signer: str
    interpreter: str
    distributions: int
    files: int
    thorough: bool
    wrong: Sequence[str] = field(default_factory=list)


def compare(
    host: Host,
    version: str | None,
    signers: Path | None,
    *,
    unsigned: bool = False,
    thorough: bool = False,
) -> Found:
    """Compare a release's environment with its bundle.

    :param version: None for the release in use.
    :param thorough: compile every module again, too.
    :raises NotFound: if there is no such release.
    :raises BundleError: if what is kept of the bundle is not as it was signed.
    """
    running = host.running()
    if version is None and running is None:
        raise NotFound(f"nothing is installed in {host.folder}: name the folder with --dir DIR")
    release = host.finished(version or (running.version if running else ""))

    def proved(one: Release) -> tuple[str, list[Path]]:
        return _proved(host, one, signers, unsigned=unsigned)

    signer, kept = proved(release)
    environment = Comparison(release.venv)
    comparisons = [(environment, kept)]
    if (host.supervisor / VENV).is_dir():
        supervisor = Comparison(host.supervisor / VENV)
        comparisons.append((supervisor, _supervisors(host, release, supervisor, proved)))
    for comparison, files in comparisons:
        if not files:
            # Each of its files would be told: the release that brought them was removed.
            comparison.wrong.append(
                f"{host.supervisor} is of no release that is here: nothing proves it"
            )
            continue
        for wheel in files:
            comparison.compare(wheel)
        comparison.wrong += comparison.others()
        if thorough:
            comparison.wrong += comparison.compiled_wrongly()
    return Found(
        version=release.version,
        signer=signer,
        interpreter=str(environment.interpreter),
        distributions=len(kept),
        files=len(environment.known),
        thorough=thorough,
        wrong=[line for comparison, _ in comparisons for line in comparison.wrong],
    )


def _supervisors(
    host: Host,
    release: Release,
    supervisor: Comparison,
    proved: Callable[[Release], tuple[str, list[Path]]],
) -> list[Path]:
    """The wheels of supervisord's environment: of this release, or of another that brought it."""
    others = (one for one in host.releases() if one.is_complete and one != release)
    for one in (release, *others):
        found = [file for file in proved(one)[1] if wheels.parse(file).name in SUPERVISOR]
        if all(map(supervisor.holds, found)):
            return found
    return []


def _proved(
    host: Host, release: Release, signers: Path | None, *, unsigned: bool
) -> tuple[str, list[Path]]:
    """Whose signature a release has, and its wheels, each of them as it was signed."""
    text = (release.bundle / SUMS).read_bytes()
    signer = ""
    if not unsigned:
        allowed = signature.signers_file(signers, host.signers, release.bundle)
        signer = signature.check(text, release.bundle, allowed)
    return signer, list(_wheels(release, sums.read(text, release.bundle / SUMS)))


def _wheels(release: Release, expected: Mapping[str, str]) -> Iterator[Path]:
    """The wheels that were kept, each of them as it was signed."""
    for file in sorted(release.bundle.iterdir()):
        if file.is_file() and file.name in expected:
            _check(file, expected[file.name])
    for wheel in sorted((release.bundle / WHEELS).iterdir()):
        _check(wheel, expected.get(f"{WHEELS}/{wheel.name}"))
        yield wheel


def _check(file: Path, digest: str | None) -> None:
    if digest is None or sums.digest_of(file) != digest:
        raise BundleError(f"{file} is not the bundle's: copy it from the bundle again")


def as_json(found: Found) -> Mapping[str, Any]:
    """For a script."""
    return {
        "version": found.version,
        "signer": found.signer,
        "interpreter": found.interpreter,
        "distributions": found.distributions,
        "files": found.files,
        "thorough": found.thorough,
        "wrong": list(found.wrong),
    }


def lines(found: Found) -> list[str]:
    """For a person."""
    origin = f"signed by {found.signer}" if found.signer else "NOT SIGNED"
    if found.wrong:
        return [
            *found.wrong,
            f"{found.version} is not as its bundle ({origin}): {len(found.wrong)} things differ.",
            "Next: find out who changed them; stop supervisord, remove the folder that differs, "
            "the release's or supervisor, and install the bundle again.",
        ]
    compiled = "also compiled again" if found.thorough else "--thorough also compiles again"
    return [
        f"{found.version} is as its bundle, {origin}: {found.files:,} files of "
        f"{found.distributions} distributions ({compiled}), and supervisord's environment.",
        f"Python itself is {found.interpreter}: the system's, which no bundle proves.",
    ]
