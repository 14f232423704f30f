"""Shows the releases on a host, and what was interrupted."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cloudhands.common.errors import BundleError
from cloudhands.ops.bundle.host import Host, Release


@dataclass(frozen=True)
class Row:
    """One release.

    :param is_used: whether `current` leads to it.
    :param before: what it took the place of.
    """

    version: str
    revision: str
    schema: str
    is_complete: bool
    is_used: bool
    before: str | None


@dataclass(frozen=True)
class Listing:
    """A host's releases, oldest first, and what its journal says.

    :param current: the version that `current` leads to; None before the first one.
    """

    folder: str
    current: str | None
    releases: Sequence[Row]
    under_way: Mapping[str, Any]


def look(host: Host) -> Listing:
    """What is on a host."""
    running = host.running()
    return Listing(
        folder=str(host.folder),
        current=running.version if running else None,
        releases=[_row(release, running) for release in host.releases()],
        under_way=host.journal.read(),
    )


def _row(release: Release, running: Release | None) -> Row:
    try:
        manifest = release.manifest
    except BundleError:
        manifest = None
    return Row(
        version=release.version,
        revision=manifest.revision if manifest else "",
        schema=manifest.schema if manifest else "",
        is_complete=release.is_complete,
        is_used=release == running,
        before=release.before,
    )


def as_json(found: Listing) -> Mapping[str, Any]:
    """For a script."""
    return asdict(found)


def lines(found: Listing) -> list[str]:
    """For a person."""
    told = [_line(row) for row in found.releases] or [f"No release is in {found.folder}."]
    if found.current and not any(row.is_used and row.is_complete for row in found.releases):
        told.append(
            f"warning: {found.folder}/current leads to {found.current}, which is not there: "
            "install its bundle again, or use rollback --to VERSION."
        )
    if found.under_way:
        told.append(
            f"The {found.under_way.get('action')} that leads to {found.under_way.get('to')} was "
            "interrupted, or is under way. Next: run it again."
        )
    else:
        told.append("Next: install BUNDLE for another, rollback for the one before.")
    return told


def _line(row: Row) -> str:
    if not row.is_complete:
        return f"  {row.version}  was never finished"
    before = f", took the place of {row.before}" if row.before else ""
    mark = "*" if row.is_used else " "
    return f"{mark} {row.version}  revision {row.revision[:12]}, database {row.schema}{before}"
