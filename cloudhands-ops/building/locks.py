"""Reads the hash locks in requirements/ and says what each target needs of them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from building.targets import Target
from cloudhands.common.errors import ConfigurationError

_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Locked:
    """One line of a lock.

    :param name: normalised, as wheels' names are compared.
    :param marker: for which targets it is; None: for all.
    :param hashes: of every file of this version, in SHA-256.
    """

    name: str
    version: Version
    marker: Marker | None
    hashes: frozenset[str]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def read(file: Path) -> list[Locked]:
    """The lines of a lock.

    :raises ConfigurationError: if a line pins nothing or has no hash.
    """
    text = re.sub(r"\\\n", " ", file.read_text(encoding="utf-8"))
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    return [_read_line(file, line) for line in lines if line]


def needed(locks: Iterable[Locked], target: Target) -> list[Locked]:
    """What one target needs of them, in the lock's order."""
    return [locked for locked in locks if target.takes(locked.marker)]


def _read_line(file: Path, line: str) -> Locked:
    hashes = frozenset(_HASH.findall(line))
    wanted = line.split("--hash")[0].strip()
    try:
        requirement = Requirement(wanted)
        (pin,) = requirement.specifier
    except (InvalidRequirement, ValueError):
        pin = None
    if pin is None or pin.operator != "==" or not hashes:
        raise ConfigurationError(
            f"{file}: {wanted!r} is not one version with its hashes: run requirements/compile.sh"
        )
    return Locked(
        canonicalize_name(requirement.name), Version(pin.version), requirement.marker, hashes
    )
