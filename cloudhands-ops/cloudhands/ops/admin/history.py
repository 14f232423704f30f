"""`cloud-admin history`: who changed what, when and why; and whether that is what was written."""

import argparse
import sys
from uuid import UUID

from cloudhands.common import history, service
from cloudhands.common.db import explained
from cloudhands.common.errors import NotFound, VerificationFailed
from cloudhands.common.history import Event, checkpoints, verification
from cloudhands.common.history.checkpoints import Checkpoint
from cloudhands.common.history.verification import Finding, Verified
from cloudhands.common.opening import opened_for
from cloudhands.ops.admin.operation import answer, look
from cloudhands.ops.admin.parsing import Commands, command, group

PROGRESS_ROWS = 100_000
SHOWN = 100


def add_commands(groups: Commands) -> None:
    """Add this group."""
    place = group(groups, "history", "what happened")
    shown = command(place, "show", "Show what happened to something, the newest last.", show)
    shown.add_argument(
        "uuid", type=UUID, metavar="UUID", help="of an appliance, organisation, membership, user"
    )
    shown.add_argument(
        "--limit", type=_count, default=50, metavar="N", help="the newest N rows (default: 50)"
    )
    verified = command(
        place, "verify", "Look for rows that were changed, removed, added or cut off.", verify
    )
    verified.add_argument(
        "--checkpoint", metavar="DIGEST", help="what 'history checkpoint' printed earlier"
    )
    command(place, "checkpoint", "Print a digest of all history, to keep elsewhere.", checkpoint)


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return count


def show(options: argparse.Namespace) -> None:
    """Print the history of one artifact.

    :raises NotFound: if nothing is known of it.
    """
    with look(options) as done:
        events = history.latest(done.session, options.uuid, options.limit)[::-1]
    if not events:
        raise NotFound(f"nothing is known of {options.uuid}: an id stands in the address of a page")
    answer(
        options,
        {"uuid": str(options.uuid), "history": [_as_json(event) for event in events]},
        *map(_line, events),
    )


def verify(options: argparse.Namespace) -> None:
    """Verify the history of everything.

    :raises VerificationFailed: if something is not as it was written; each thing is named.
    :raises InvalidInput: if the checkpoint is none.
    """
    told = Checkpoint.parse(options.checkpoint) if options.checkpoint else None
    with opened_for(service.read_settings(options)) as database, explained(database):
        assert database.secret is not None
        found = verification.verify(database, database.secret, told, _progress())
    if found.findings:
        _tell(options, found)
        raise VerificationFailed(
            f"{_counted(len(found.findings), 'finding')} in {found.rows:,} rows. What is named is "
            "evidence: back the database up as it is, then compare with an earlier backup"
        )
    answer(
        options,
        _verified_as_json(found),
        f"{found.rows:,} rows of {found.artifacts:,} things are as they were written; the text of "
        f"{found.erased:,} was erased.",
        "Next: cloud-admin history checkpoint, and keep what it prints elsewhere.",
    )


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def _progress() -> verification.Progress:
    """Tells a person at a terminal how far it is."""
    told = 0

    def tell(rows: int) -> None:
        nonlocal told
        if sys.stderr.isatty() and rows - told >= PROGRESS_ROWS:
            told = rows
            print(f"{rows:,} rows", file=sys.stderr)

    return tell


def _tell(options: argparse.Namespace, found: Verified) -> None:
    more = len(found.findings) - SHOWN
    lines = [finding.sentence for finding in found.findings[:SHOWN]]
    lines += [f"... and {more} more (--json lists all)"] if more > 0 else []
    answer(options, _verified_as_json(found), *lines)


def _verified_as_json(found: Verified) -> dict[str, object]:
    return {
        "rows": found.rows,
        "artifacts": found.artifacts,
        "erased": found.erased,
        "findings": [_finding_as_json(finding) for finding in found.findings],
    }


def _finding_as_json(finding: Finding) -> dict[str, object]:
    return {
        "artifact": str(finding.artifact) if finding.artifact else None,
        "number": finding.number,
        "touch": finding.row,
        "what": finding.what,
    }


def checkpoint(options: argparse.Namespace) -> None:
    """Print a digest of all history up to now."""
    with opened_for(service.read_settings(options)) as database, explained(database):
        taken = checkpoints.take(database)
    answer(
        options,
        {"checkpoint": str(taken), "last": taken.last},
        str(taken),
        "Keep this line where those who can write the database cannot.",
        f"Later: cloud-admin history verify --checkpoint {taken}",
    )


def _as_json(event: Event) -> dict[str, str | None]:
    return {
        "at": event.at.isoformat(),
        "who": event.who,
        "actor": str(event.actor),
        "from": event.from_state,
        "to": event.to_state,
        "why": event.why,
    }


def _line(event: Event) -> str:
    states = f"{event.from_state or '-'} -> {event.to_state}" if event.changed_state else ""
    return f"{event.at:%Y-%m-%d %H:%M:%S} UTC  {event.who:20}  {states:24}  {event.why}"
