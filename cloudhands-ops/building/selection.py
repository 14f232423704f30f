"""Which of the vendor's wheels a bundle takes: for each target what the lock says, and no more."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from building import locks
from building.locks import Locked
from building.targets import Target, best
from building.vendor import Vendor
from cloudhands.common.errors import ConfigurationError

_SHOWN = 3


@dataclass(frozen=True)
class Chosen:
    """One wheel of a bundle.

    :param locked: the line of the lock that names it.
    """

    file: Path
    sha256: str
    locked: Locked


def choose(
    vendor: Vendor, lock: Sequence[Locked], targets: Iterable[Target]
) -> dict[Target, list[Chosen]]:
    """The wheels for each target.

    :raises ConfigurationError: naming what the folder lacks.
    """
    chosen = {}
    lacking = []
    for target in targets:
        found = [(locked, one(vendor, locked, target)) for locked in locks.needed(lock, target)]
        chosen[target] = [wheel for _, wheel in found if wheel]
        lacking += [f"{locked} for {target}" for locked, wheel in found if wheel is None]
    if lacking:
        more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
        raise ConfigurationError(
            f"{vendor.folder} lacks wheels: {'; '.join(lacking[:_SHOWN])}{more}: "
            "fetch them with build.sh --vendor"
        )
    return chosen


def one(vendor: Vendor, locked: Locked, target: Target) -> Chosen | None:
    """The wheel of one line of the lock for a target, if the folder has it."""
    there = vendor.of(locked.hashes)
    name = best(target, there)
    return Chosen(vendor.folder / name, there[name], locked) if name else None
