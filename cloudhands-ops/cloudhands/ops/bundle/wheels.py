"""Wheels by their file names: which of them a Python of this machine takes."""

import re
from dataclasses import dataclass
from pathlib import Path

from cloudhands.common.errors import BundleError

_ABI3 = re.compile(r"cp(\d)(\d+)")


@dataclass(frozen=True)
class Wheel:
    """One wheel, as its name says."""

    file: Path
    name: str
    version: str
    pythons: tuple[str, ...]
    abis: tuple[str, ...]
    platforms: tuple[str, ...]

    def fits(self, python: str, machine: str) -> bool:
        """Whether a Python takes it.

        :param python: `3.11`.
        :param machine: as `uname -m` tells it.
        """
        here = any(
            one == "any" or (one.startswith(("manylinux", "linux")) and one.endswith(machine))
            for one in self.platforms
        )
        return here and any(self._takes(tag, python) for tag in self.pythons)

    def _takes(self, tag: str, python: str) -> bool:
        major, minor = (int(number) for number in python.split("."))
        if tag in (f"py{major}", f"py{major}{minor}", f"cp{major}{minor}"):
            return True
        found = _ABI3.fullmatch(tag)
        return bool(
            found
            and "abi3" in self.abis
            and (int(found[1]), int(found[2])) <= (major, minor)
            and int(found[1]) == major
        )


def parse(file: Path) -> Wheel:
    """A wheel by its name.

    :raises BundleError: if it is none.
    """
    parts = file.name.removesuffix(".whl").split("-")
    if file.suffix != ".whl" or len(parts) not in (5, 6):
        raise BundleError(f"{file} is not a wheel: it does not belong there")
    pythons, abis, platforms = (tuple(part.split(".")) for part in parts[-3:])
    return Wheel(file, normal(parts[0]), parts[1], pythons, abis, platforms)


def fitting(folder: Path, python: str, machine: str) -> list[Wheel]:
    """The wheels of a folder that a Python takes.

    :raises BundleError: if one of its files is no wheel.
    """
    found = [parse(file) for file in sorted(folder.iterdir())]
    return [wheel for wheel in found if wheel.fits(python, machine)]


def normal(name: str) -> str:
    """A distribution's name as it is compared."""
    return re.sub(r"[-_.]+", "-", name).lower()
