"""What a bundle holds, gathered once for the lists that are written of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from packaging.markers import Marker
from packaging.version import Version

from building import vendor
from building.targets import Target
from building.wheels import Wheel
from cloudhands.ops.bundle import manifest
from cloudhands.ops.bundle.manifest import Manifest


@dataclass(frozen=True)
class Package:
    """One version of one distribution, with all its files in the bundle.

    :param marker: for which targets it is; None: for all.
    :param sdist: our own ones' source distribution.
    """

    name: str
    version: Version
    marker: Marker | None
    wheels: Sequence[Wheel]
    sdist: Path | None = None

    def files(self) -> Iterator[tuple[str, str]]:
        """The path of each of its files in the bundle, and its hash."""
        for wheel in self.wheels:
            yield f"{manifest.WHEELS}/{wheel.file.name}", wheel.sha256
        if self.sdist:
            yield f"{manifest.SDISTS}/{self.sdist.name}", vendor.sha256(self.sdist)


@dataclass(frozen=True)
class Content:
    """All of a bundle.

    :param folder: the bundle's folder, in which the lists are written.
    :param wheels: what each target is installed from.
    """

    folder: Path
    manifest: Manifest
    packages: Sequence[Package]
    wheels: Mapping[Target, Sequence[Wheel]]


def packages_of(
    wheels: Mapping[Target, Sequence[Wheel]],
    markers: Mapping[tuple[str, Version], Marker | None],
    sdists: Mapping[str, Path],
) -> list[Package]:
    """The packages, sorted by name and version.

    :param markers: the lock's, by name and version.
    :param sdists: by name.
    """
    every = {wheel.file.name: wheel for each in wheels.values() for wheel in each}
    found = sorted(every.values(), key=lambda wheel: (*_key(wheel), wheel.file.name))
    return [
        Package(name, version, markers.get((name, version)), list(files), sdists.get(name))
        for (name, version), files in _grouped(found)
    ]


def _grouped(wheels: Sequence[Wheel]) -> Iterator[tuple[tuple[str, Version], Iterator[Wheel]]]:
    yield from groupby(wheels, _key)


def _key(wheel: Wheel) -> tuple[str, Version]:
    return wheel.name, wheel.version
