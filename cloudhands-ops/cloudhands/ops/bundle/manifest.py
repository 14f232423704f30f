"""What a bundle says of itself, BUNDLE.json, and the names of the files and folders in it.

A bundle is a tar file with one folder, `cloudhands-<version>/`. cloudhands-ops/build.sh makes it.
"""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any, Self

from cloudhands.common.errors import BundleError

# The layout below and the meaning of the manifest's fields; raised when either changes.
FORMAT = 1
# Signatures are made and verified for this purpose alone (ssh-keygen -n).
NAMESPACE = "cloudhands-bundle"
PREFIX = "cloudhands-"

MANIFEST = "BUNDLE.json"
REQUIREMENTS = "requirements.txt"
PYLOCK = "pylock.toml"
SBOM = "sbom.cdx.json"
LICENCES = "LICENCES.txt"
INSTALL = "INSTALL.txt"
DEPLOY = "deploy.sh"
SUMS = "SHA256SUMS"
SIGNATURE = "SHA256SUMS.sig"

SDISTS = "sdists"
WHEELS = "wheels"
MANUAL = "manual"

# Every bundle has these; the signature and the manual may be left out.
FILES = (MANIFEST, REQUIREMENTS, PYLOCK, SBOM, LICENCES, INSTALL, DEPLOY, SUMS)
FOLDERS = (SDISTS, WHEELS)

# It becomes the name of a folder: nothing that leads elsewhere.
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+!_-]*")
_TYPES = {
    "format": int,
    "version": str,
    "revision": str,
    "site": str,
    "epoch": int,
    "pythons": list,
    "platforms": list,
    "glibc": str,
    "schema": str,
    "dirty": bool,
}


@dataclasses.dataclass(frozen=True)
class Manifest:
    """One bundle.

    :param version: PEP 440, the same for the five distributions.
    :param revision: the commit that it was built from, in full.
    :param site: the distribution that brings everything, `cloudhands-jasmin`.
    :param epoch: when the revision was committed, in seconds since 1970.
    :param pythons: the Python versions that it has wheels for, `3.11`.
    :param platforms: the machines that it has wheels for, as `uname -m` tells them.
    :param glibc: the oldest C library that every wheel of it runs with, `2.28`.
    :param schema: the revision of the database that it brings.
    :param dirty: whether the work tree held changes that are in no commit.
    """

    version: str
    revision: str
    site: str
    epoch: int
    pythons: tuple[str, ...]
    platforms: tuple[str, ...]
    glibc: str
    schema: str
    dirty: bool = False

    @property
    def folder(self) -> str:
        """The name of the one folder in the tar file."""
        return PREFIX + self.version

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The manifest of an unpacked bundle.

        :raises BundleError: if there is none, or it is not one that this code understands.
        """
        file = folder / MANIFEST
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise BundleError(f"{file} is missing: {folder} is not an unpacked bundle") from None
        except (OSError, ValueError) as error:
            raise BundleError(f"{file} cannot be read: {error}") from None
        _check(file, found)
        del found["format"]
        lists = {key: tuple(found[key]) for key in ("pythons", "platforms")}
        return cls(**{**found, **lists})

    def write(self, folder: Path) -> None:
        """Write it into the folder of a bundle: the same bytes for the same manifest."""
        fields = {"format": FORMAT, **dataclasses.asdict(self)}
        (folder / MANIFEST).write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")


def _check(file: Path, found: Any) -> None:
    if not isinstance(found, dict) or type(found.get("format")) is not int:
        raise BundleError(f"{file} does not tell its format: get the bundle again")
    if found["format"] != FORMAT:
        raise BundleError(
            f"{file} is of format {found['format']}, and this code knows format {FORMAT}: "
            "use the deploy.sh that lies in the bundle"
        )
    if different := sorted(found.keys() ^ _TYPES.keys()):
        raise BundleError(f"{file} lacks or adds {', '.join(different)}: get the bundle again")
    for key, expected in _TYPES.items():
        if type(found[key]) is not expected:
            raise BundleError(
                f"{file}: {key} is not of type {expected.__name__}: get the bundle again"
            )
    for key in ("pythons", "platforms"):
        if not found[key] or not all(isinstance(each, str) for each in found[key]):
            raise BundleError(f"{file}: {key} is not a list of words: get the bundle again")
    if not _VERSION.fullmatch(found["version"]):
        raise BundleError(f"{file}: {found['version']!r} is not a version: get the bundle again")
