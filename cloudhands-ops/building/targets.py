"""The Pythons and machines that bundles are made for, and which wheels each of them takes."""

import platform
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Self

from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from building.asking import TRIED

# The newest C library that a vendor wheel may ask for: that of Debian 10 and RHEL 8.
GLIBC = (2, 28)
_OLDEST_GLIBC = {"x86_64": (2, 5), "aarch64": (2, 17)}
_OLD_NAMES = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}


@dataclass(frozen=True, order=True)
class Target:
    """One Python on one machine.

    :param python: `3.11`.
    :param machine: as `uname -m` tells it.
    :param patches: the patch releases that count. A marker may ask for one, which a bundle leaves
        open: what is true of the first or of a late one is for it.
    """

    python: str
    machine: str
    patches: tuple[str, ...] = ("0", "99")

    @classmethod
    def here(cls) -> Self:
        """The Python and the machine that this runs on."""
        major, minor, patch = platform.python_version_tuple()
        return cls(f"{major}.{minor}", platform.machine(), (patch.rstrip("+"),))

    def __str__(self) -> str:
        return f"Python {self.python} on {self.machine}"

    @property
    def tried(self) -> bool:
        """Whether check.sh runs what is built for it; else its wheels are only resolved."""
        return self.machine in TRIED

    @cached_property
    def platforms(self) -> tuple[str, ...]:
        """The wheels' names for the machine, what suits it best first."""
        return tuple(_platforms(self.machine))

    @cached_property
    def tags(self) -> dict[Tag, int]:
        """Each tag that a wheel for it may bear, with its rank: the lowest suits best."""
        version = tuple(int(part) for part in self.python.split("."))
        interpreter = "cp" + self.python.replace(".", "")
        tags = [
            *cpython_tags(version, [interpreter], self.platforms),
            *compatible_tags(version, interpreter, self.platforms),
        ]
        return {tag: rank for rank, tag in reversed(list(enumerate(tags)))}

    def takes(self, marker: Marker | None, extra: str = "") -> bool:
        """Whether what bears the marker is for it."""
        if marker is None:
            return True
        return any(marker.evaluate(each) for each in self._environments(extra))

    def _environments(self, extra: str) -> Iterator[dict[str, str]]:
        for patch in self.patches:
            full = f"{self.python}.{patch}"
            yield {
                "extra": extra,
                "implementation_name": "cpython",
                "implementation_version": full,
                "os_name": "posix",
                "platform_machine": self.machine,
                "platform_python_implementation": "CPython",
                "platform_release": "",
                "platform_system": "Linux",
                "platform_version": "",
                "python_full_version": full,
                "python_version": self.python,
                "sys_platform": "linux",
            }


@cache
def tags_of(name: str) -> frozenset[Tag]:
    """The tags that a wheel's file name bears."""
    return parse_wheel_filename(name)[3]


def best(target: Target, names: Iterable[str]) -> str | None:
    """The wheel that suits a target best, of several of one version, as pip chooses; or None."""
    ranked = []
    for name in names:
        ranks = [target.tags[tag] for tag in tags_of(name) if tag in target.tags]
        if ranks:
            ranked.append((min(ranks), name))
    return min(ranked)[1] if ranked else None


def glibc_of(names: Iterable[str]) -> str:
    """The oldest C library that all these wheels run with, as their names tell."""
    needed = [_OLDEST_GLIBC["aarch64"]]
    for name in names:
        found = [glibc for tag in tags_of(name) if (glibc := _glibc(tag.platform))]
        needed += [min(found)] if found else []
    return ".".join(map(str, max(needed)))


def _platforms(machine: str) -> Iterator[str]:
    oldest = _OLDEST_GLIBC.get(machine, _OLDEST_GLIBC["aarch64"])
    for minor in range(GLIBC[1], oldest[1] - 1, -1):
        yield f"manylinux_2_{minor}_{machine}"
        if old := _OLD_NAMES.get((2, minor)):
            yield f"{old}_{machine}"


def _glibc(platform: str) -> tuple[int, int] | None:
    for glibc, old in _OLD_NAMES.items():
        if platform.startswith(old + "_"):
            return glibc
    parts = platform.split("_")
    if parts[0] == "manylinux":
        return int(parts[1]), int(parts[2])
    return None
