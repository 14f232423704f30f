"""Our own distributions: source distributions and wheels, the same bytes on every build."""

import os
import shutil
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from building import tars, wheels
from building.saying import in_words
from building.wheels import Wheel
from cloudhands.common.errors import ConfigurationError
from cloudhands.common.site import GROUP
from cloudhands.ops.bundle import manifest

PARTS = ("common", "web", "burst", "ops")
SITE = "jasmin"
_REVISION = Path("cloudhands-common", "cloudhands", "common", "REVISION")
_HOOK = """\
import sys
from setuptools import build_meta
print()
print(getattr(build_meta, "build_" + sys.argv[1])(sys.argv[2]))
"""
# What lies in a site package's folder and is not its source.
_BUILDERS = {"setuptools", "wheel"}
_NOT_SOURCE = (".*", "__pycache__", "*.egg-info", "build", "dist")


@dataclass(frozen=True)
class Built:
    """One distribution of ours.

    :param sdist: None where a site package's wheel was given.
    """

    wheel: Wheel
    sdist: Path | None


def prepare(tree: Path, version: str, commit: str) -> None:
    """Write version and commit into an archive of the revision; put files in the place of links."""
    (tree / "VERSION").write_text(version + "\n", encoding="ascii")
    (tree / _REVISION).write_text(commit + "\n", encoding="ascii")
    # A source distribution has to stand alone.
    for link in sorted(tree.glob("cloudhands-*/*")):
        if link.is_symlink():
            target = link.resolve(strict=True)
            link.unlink()
            shutil.copyfile(target, link)


def build(tree: Path, site: Path | None, folder: Path, scratch: Path, epoch: int) -> list[Built]:
    """Build them into a bundle's folder; the site's is the last.

    :param site: a site package in the place of our own: its source folder, or its wheel.
    :raises ConfigurationError: if one cannot be built, or the site's is none.
    """
    sources = [tree / f"cloudhands-{part}" for part in PARTS]
    if site is None:
        sources.append(tree / f"cloudhands-{SITE}")
    elif site.is_dir():
        sources.append(_copied(site, scratch / "site" / site.resolve().name))
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        built = list(pool.map(lambda each: _build(each, folder, scratch, epoch), sources))
    if site is not None and not site.is_dir():
        wheels.read(site)  # what is wrong is told with the name that was given
        wheel = Path(shutil.copyfile(site, folder / manifest.WHEELS / site.name))
        built.append(Built(wheels.read(wheel), None))
    _check_site(built[-1].wheel, {each.wheel.name for each in built[:-1]})
    return built


def _copied(site: Path, folder: Path) -> Path:
    """Copy a site package's source, so that nothing is written into it."""
    project = site / "pyproject.toml"
    if not project.is_file():
        raise ConfigurationError(f"{site} has no pyproject.toml: name a site package's folder")
    if others := sorted(_builders(project) - _BUILDERS):
        raise ConfigurationError(
            f"{site} is built with {', '.join(others)}, which is not here: build its wheel, and "
            "name that with --site"
        )
    try:
        shutil.copytree(site, folder, ignore=shutil.ignore_patterns(*_NOT_SOURCE))
    except shutil.Error as error:
        name, _, reason = error.args[0][0]
        raise ConfigurationError(f"{name} cannot be copied: {reason}") from None
    return folder


def _builders(project: Path) -> set[str]:
    """The names of what a package says that it is built with."""
    try:
        stated = tomllib.loads(project.read_text(encoding="utf-8")).get("build-system", {})
        return {Requirement(each).name for each in stated.get("requires", [])}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, InvalidRequirement) as error:
        raise ConfigurationError(f"{project}: {error}") from None


def _check_site(site: Wheel, others: set[str]) -> None:
    offered = site.offers(GROUP)
    if site.name in others:
        raise ConfigurationError(
            f"{site.name}, the site package, is named as one of ours: rename it"
        )
    if len(offered) != 1:
        raise ConfigurationError(
            f"{site.name} {site.version} is no site package: it offers {len(offered)} entry points "
            f"of the group {GROUP}, and has to offer one"
        )


def _build(source: Path, folder: Path, scratch: Path, epoch: int) -> Built:
    """Build the wheel from the source distribution: so that is known to be whole."""
    work = scratch / "ours" / source.name
    for name in ("sdist", "source", "wheel"):
        (work / name).mkdir(parents=True)
    made = _run_hook("sdist", source, work / "sdist", epoch)
    sdist = folder / manifest.SDISTS / made.name
    tars.repack(made, sdist, epoch)
    tars.unpack(sdist, work / "source")
    (unpacked,) = (work / "source").iterdir()
    made = _run_hook("wheel", unpacked, work / "wheel", epoch)
    wheel = made.replace(folder / manifest.WHEELS / made.name)
    return Built(wheels.read(wheel), sdist)


def _run_hook(kind: str, source: Path, folder: Path, epoch: int) -> Path:
    """Call setuptools as pip does; returns the file that it made."""
    environ = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),  # no settings of whoever builds
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "SOURCE_DATE_EPOCH": str(epoch),
    }
    done = subprocess.run(
        [sys.executable, "-I", "-c", _HOOK, kind, folder],
        cwd=source,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ConfigurationError(f"{source.name}, its {kind}: {in_words(done.stderr)}")
    return folder / done.stdout.splitlines()[-1]
