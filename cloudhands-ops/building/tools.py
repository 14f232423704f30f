"""What builds: packages of the lock's versions, else other bytes come out."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from building import locks
from building.environment import BUNDLE_LOCK, LOCK
from building.targets import Target
from cloudhands.common.errors import ConfigurationError

_SHOWN = 3


def check(tree: Path) -> None:
    """Refuse an environment with other versions than the lock's.

    :raises ConfigurationError: naming what differs.
    """
    different = [
        f"{locked.name} is {installed or 'missing'} instead of {locked.version}"
        for locked in locks.needed(locks.read(tree / LOCK), Target.here())
        if (installed := _installed(locked.name)) != str(locked.version)
    ]
    if different:
        more = f" and {len(different) - _SHOWN} more" if len(different) > _SHOWN else ""
        raise ConfigurationError(
            f"this environment is not the lock's: {', '.join(different[:_SHOWN])}{more}: "
            f"pip install --require-hashes -r {LOCK}, or leave out --novenv"
        )


def known(tree: Path) -> frozenset[str]:
    """The hashes that the locks name, of bundles and of what builds them."""
    return frozenset(
        each
        for file in (BUNDLE_LOCK, LOCK)
        for locked in locks.read(tree / file)
        for each in locked.hashes
    )


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
