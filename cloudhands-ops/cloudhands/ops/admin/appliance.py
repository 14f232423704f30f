"""`cloud-admin appliance`: servers that their cloud neither confirms nor deletes."""

import argparse
from uuid import UUID

from cloudhands.common.appliance import abandoning
from cloudhands.common.appliance.queries import by_uuid
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.errors import InvalidInput, NotFound
from cloudhands.ops.admin.operation import Operation, answer, operation
from cloudhands.ops.admin.parsing import Commands, command, group


def add_commands(groups: Commands) -> None:
    """Add this group."""
    place = group(groups, "appliance", "appliances that a cloud does not let go")
    parser = command(
        place,
        "abandon",
        "Give up an appliance's server that its cloud neither confirms nor deletes: the appliance "
        "goes on without it; its addresses and its share of the limits are kept until written off.",
        abandon,
    )
    parser.add_argument("appliance", metavar="UUID", help="the appliance's uuid")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="kept in history")
    parser = command(
        place,
        "write-off",
        "Give back what was kept for an appliance's abandoned servers, once they are surely gone.",
        write_off,
    )
    parser.add_argument("appliance", metavar="UUID", help="the appliance's uuid")


def abandon(options: argparse.Namespace) -> None:
    """Abandon an appliance's server.

    :raises NotFound: if there is no such appliance.
    :raises Conflict: if it has no server.
    """
    with operation(options) as done:
        appliance = _appliance(done, options.appliance)
        node = abandoning.abandon(done.session, done.actor, appliance, options.reason, done.now)
        found = {"appliance": str(appliance.uuid), "server": node.server_id or ""}
    answer(
        options,
        found,
        f"The server {found['server'] or 'that nobody told of'} is abandoned.",
        f"Next: 'cloud-admin appliance write-off {found['appliance']}' once it is surely gone; "
        "'cloud-admin reconcile' tells whether it is seen.",
    )


def write_off(options: argparse.Namespace) -> None:
    """Write off what was abandoned of an appliance.

    :raises NotFound: if there is no such appliance.
    :raises Conflict: if nothing of it is abandoned.
    """
    with operation(options) as done:
        appliance = _appliance(done, options.appliance)
        ended = abandoning.write_off(done.session, done.actor, appliance, done.now)
        found = {"appliance": str(appliance.uuid), "written_off": len(ended)}
    answer(
        options,
        found,
        f"Written off: {found['written_off']}. Should it be seen again, cloud-burst deletes it.",
    )


def _appliance(done: Operation, text: str) -> Appliance:
    try:
        uuid = UUID(text)
    except ValueError:
        raise InvalidInput({"appliance": f"{text!r} is no uuid"}) from None
    found = by_uuid(done.session, uuid, lock=True)
    if found is None:
        raise NotFound(f"There is no appliance {uuid}.")
    return found
