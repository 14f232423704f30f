"""Compares an environment with the wheels that it was made from, file by file.

The chain: the signature proves SHA256SUMS, that each wheel kept on the host, and each wheel the
files that it holds. What pip writes itself is checked for being what pip writes.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloudhands.common.errors import BundleError
from cloudhands.ops.bundle import python, scripts, signature, sums, wheels
from cloudhands.ops.bundle.host import Host, Release
from cloudhands.ops.bundle.manifest import SUMS, WHEELS

# pip's own notes beside each distribution's metadata.
NOTES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
# What the venv module makes, besides the links to Python.
ACTIVATION = ("activate", "activate.csh", "activate.fish", "Activate.ps1")
COMPILING = Path(__file__).with_name("compiling.py")


@dataclass(frozen=True)
class Found:
    """What a comparison found.

    :param files: how many are as the bundle has them.
    :param wrong: a line for each that is not.
    """

    version: str
    signer: str
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
    release = host.finished(version or (running.version if running else ""))
    text = (release.bundle / SUMS).read_bytes()
    signer = ""
    if not unsigned:
        allowed = signature.signers_file(signers, host.signers, release.bundle)
        signer = signature.check(text, release.bundle, allowed)
    kept = list(_proved(release, sums.read(text, release.bundle / SUMS)))
    environment = _Environment(release)
    for wheel in kept:
        environment.compare(wheel)
    wrong = [*environment.wrong, *environment.others()]
    if thorough:
        wrong += environment.compiled_wrongly()
    return Found(release.version, signer, len(kept), len(environment.known), thorough, wrong)


def _proved(release: Release, expected: Mapping[str, str]) -> Iterator[Path]:
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


class _Environment:
    """One release's environment, and what is known of its files by now."""

    def __init__(self, release: Release) -> None:
        self._venv = release.venv
        (self._site,) = (release.venv / "lib").glob("python*/site-packages")
        self._python = release.programs / "python"
        self.known: set[Path] = set()
        self.wrong: list[str] = []

    def compare(self, file: Path) -> None:
        """Compare what one wheel holds. One that was not installed, nothing of it, is no matter."""
        wheel = wheels.parse(file)
        with zipfile.ZipFile(file) as opened:
            # At the top: setuptools carries others below its own package.
            tops = (name.split("/")[0] for name in opened.namelist())
            folder = next(top for top in tops if top.endswith(".dist-info"))
            if not (self._site / folder).is_dir():
                self.wrong.append(f"{wheel.name} {wheel.version} is not installed")
                return
            for name in opened.namelist():
                if not name.endswith("/") and name != f"{folder}/RECORD":
                    self._compare(opened, name)
            for name, entry in scripts.of_wheel(opened, folder):
                self._compare_script(self._venv / "bin" / name, entry)
                if name == "pip":  # it names itself for the Python that it installs with, too
                    own = f"pip{self._site.parent.name.removeprefix('python')}"
                    self._compare_script(self._venv / "bin" / own, entry)
        self.known.update(self._site / folder / note for note in NOTES)

    def _compare(self, wheel: zipfile.ZipFile, name: str) -> None:
        path = self._place(name)
        self.known.add(path)
        if not path.is_file() or path.is_symlink():
            self.wrong.append(f"{path} is missing")
        elif path.read_bytes() != self._installed(wheel.read(name), name):
            self.wrong.append(f"{path} is not as in {Path(str(wheel.filename)).name}")

    def _installed(self, content: bytes, name: str) -> bytes:
        """A wheel's file as pip installs it: a script learns which Python it is for."""
        if ".data/scripts/" in name and content.startswith(b"#!python"):
            return b"#!" + bytes(self._python) + content[content.index(b"\n") :]
        return content

    def _place(self, name: str) -> Path:
        """Where pip puts a wheel's file."""
        top, _, rest = name.partition("/")
        if not top.endswith(".data"):
            return self._site / name
        kind, _, rest = rest.partition("/")
        bases = {"purelib": self._site, "platlib": self._site, "scripts": self._venv / "bin"}
        return bases.get(kind, self._venv) / rest

    def _compare_script(self, script: Path, entry: str) -> None:
        self.known.add(script)
        if not scripts.is_as_made(script, entry, self._python):
            self.wrong.append(f"{script} is not what pip makes of {entry}")

    def others(self) -> Iterator[str]:
        """What no wheel holds, and neither pip nor Python makes."""
        for path in sorted(self._site.rglob("*")):
            if path.is_symlink() or (path.is_file() and not self._is_explained(path)):
                yield f"{path} is not of the bundle"
        for path in sorted((self._venv / "bin").iterdir()):
            if path in self.known or path.name in ACTIVATION:
                continue
            if not (path.is_symlink() and path.name.startswith("python")):
                yield f"{path} is not of the bundle"

    def _is_explained(self, path: Path) -> bool:
        if path in self.known:
            return True
        if path.parent.name != "__pycache__" or path.suffix != ".pyc":
            return False
        # Python goes by the source's time and size: what has none would be run as it is.
        return path.parent.parent / f"{path.name.split('.')[0]}.py" in self.known

    def compiled_wrongly(self) -> Iterator[str]:
        """What is kept compiled and is not what its source says."""
        told = python.run("compiling again", [self._python, "-I", "-B", COMPILING, self._site])
        for line in json.loads(told):
            yield f"{line} is not what its source says"


def as_json(found: Found) -> Mapping[str, Any]:
    """For a script."""
    return {
        "version": found.version,
        "signer": found.signer,
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
            "Next: find out who changed them; remove the release and install its bundle again.",
        ]
    compiled = "also compiled again" if found.thorough else "--thorough also compiles again"
    return [
        f"{found.version} is as its bundle, {origin}: {found.files:,} files of "
        f"{found.distributions} distributions ({compiled})."
    ]
