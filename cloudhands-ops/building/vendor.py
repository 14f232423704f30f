"""The vendor folder: wheels of others, told apart by their hashes alone."""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from building import place
from cloudhands.common.errors import ConfigurationError

# A folder that bears it is ours: what no lock names is removed there, and nowhere else.
MARK = ".made-by-build.sh"
_NOT_WHEELS = (MARK, place.SCRATCH, place.LOCK)
_NAME = re.compile(r"[^-]+-[^-]+(-[0-9][^-]*)?(-[^-]+){3}\.whl")
_SHOWN = 3


@dataclass(frozen=True)
class Vendor:
    """The wheels in a vendor folder.

    :param names: the name of each file by its SHA-256, as hexadecimal digits.
    """

    folder: Path
    names: Mapping[str, str]

    def of(self, hashes: Collection[str]) -> dict[str, str]:
        """The names of those that bear one of these hashes, and the hash of each."""
        return {self.names[each]: each for each in hashes if each in self.names}

    def foreign(self, known: Collection[str]) -> list[str]:
        """The names of those whose hash is not known, or which are not named as wheels; sorted."""
        return sorted(
            name
            for each, name in self.names.items()
            if each not in known or not _NAME.fullmatch(name)
        )


def read(folder: Path) -> Vendor:
    """The wheels of a vendor folder.

    :raises ConfigurationError: if it is not there.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is not there: fetch the wheels with build.sh --vendor")
    files = [file for file in sorted(folder.iterdir()) if file.name not in _NOT_WHEELS]
    return Vendor(folder, {sha256(file): file.name for file in files if file.is_file()})


def refuse_foreign(vendor: Vendor, known: Collection[str]) -> None:
    """Refuse a folder with files that no lock names: unreviewed, damaged or renamed.

    :raises ConfigurationError: naming them.
    """
    if foreign := vendor.foreign(known):
        more = f" and {len(foreign) - _SHOWN} more" if len(foreign) > _SHOWN else ""
        raise ConfigurationError(
            f"{vendor.folder} has files whose hash no lock names, foreign or damaged: "
            f"{', '.join(foreign[:_SHOWN])}{more}: remove them (build.sh --vendor does)"
        )


def sha256(file: Path) -> str:
    """A file's SHA-256, as hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
