"""`cloud-admin history`: who changed what, when and why."""

import argparse
from uuid import UUID

from cloudhands.common import history
from cloudhands.common.errors import NotFound
from cloudhands.common.history import Event
from cloudhands.ops.admin.operation import answer, operation
from cloudhands.ops.admin.parsing import Commands, command, group


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


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return count


def show(options: argparse.Namespace) -> None:
    """Print the history of one artifact.

    :raises NotFound: if nothing is known of it.
    """
    with operation(options) as done:
        events = history.latest(done.session, options.uuid, options.limit)[::-1]
    if not events:
        raise NotFound(f"nothing is known of {options.uuid}: an id stands in the address of a page")
    answer(
        options,
        {"uuid": str(options.uuid), "history": [_as_json(event) for event in events]},
        *map(_line, events),
    )


def _as_json(event: Event) -> dict[str, str | None]:
    return {
        "at": event.at.isoformat(),
        "who": event.who,
        "from": event.from_state,
        "to": event.to_state,
        "why": event.why,
    }


def _line(event: Event) -> str:
    states = f"{event.from_state or '-'} -> {event.to_state}" if event.changed_state else ""
    return f"{event.at:%Y-%m-%d %H:%M:%S} UTC  {event.who:20}  {states:24}  {event.why}"
