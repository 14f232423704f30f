"""Our own distributions: source distributions and wheels, the same bytes on every build."""

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from building import tars
from building.saying import in_words
from cloudhands.common.errors import ConfigurationError

PARTS = ("common", "web", "burst", "ops")
SITE = "jasmin"
REVISION = Path("cloudhands-common", "cloudhands", "common", "REVISION")
_HOOK = """\
import sys
from setuptools import build_meta
print()
print(getattr(build_meta, "build_" + sys.argv[1])(sys.argv[2]))
"""
# What lies in a site package's folder and is not its source.
_NOT_SOURCE = (".*", "__pycache__", "*.egg-info", "build", "dist")


@dataclass(frozen=True)
class Built:
    """A source distribution and the wheel that was built from it."""

    sdist: Path
    wheel: Path


def prepare(tree: Path, version: str, commit: str) -> None:
    """Write version and commit into an archive of the revision; put files in the place of links."""
    (tree / "VERSION").write_text(version + "\n", encoding="ascii")
    (tree / REVISION).write_text(commit + "\n", encoding="ascii")
    # A source distribution has to stand alone.
    for link in sorted(tree.glob("cloudhands-*/*")):
        if link.is_symlink():
            target = link.resolve(strict=True)
            link.unlink()
            shutil.copyfile(target, link)


def copy_site(source: Path, folder: Path) -> None:
    """Copy a site package's source, so that nothing is written into it.

    :raises ConfigurationError: if there is none.
    """
    if not (source / "pyproject.toml").is_file():
        raise ConfigurationError(f"{source} has no pyproject.toml: name a site package's folder")
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns(*_NOT_SOURCE))


def build(sources: Sequence[Path], sdists: Path, wheels: Path, scratch: Path, epoch: int) -> None:
    """Build each source folder's distribution, and from that its wheel: so it is known to be whole.

    :raises ConfigurationError: if one cannot be built.
    """
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        work = [
            pool.submit(_build, source, sdists, wheels, scratch / source.name, epoch)
            for source in sources
        ]
        for future in work:
            future.result()


def _build(source: Path, sdists: Path, wheels: Path, scratch: Path, epoch: int) -> None:
    for folder in ("sdist", "source", "wheel"):
        (scratch / folder).mkdir(parents=True)
    made = _run_hook("sdist", source, scratch / "sdist", epoch)
    sdist = sdists / made.name
    tars.repack(made, sdist, epoch)
    with tarfile.open(sdist) as archive:
        archive.extractall(scratch / "source", filter="data")
    (unpacked,) = (scratch / "source").iterdir()
    wheel = _run_hook("wheel", unpacked, scratch / "wheel", epoch)
    wheel.replace(wheels / wheel.name)


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
        [sys.executable, "-I", "-B", "-c", _HOOK, kind, folder],
        cwd=source,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ConfigurationError(f"{source.name}, {kind}: {in_words(done.stderr)}")
    return folder / done.stdout.splitlines()[-1]
