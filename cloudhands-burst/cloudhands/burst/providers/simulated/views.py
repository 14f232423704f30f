"""What a simulated cloud tells of the rows in its file."""

from collections.abc import Sequence

from cloudhands.burst.providers.simulated import addresses
from cloudhands.burst.providers.simulated.held import HeldRow
from cloudhands.burst.providers.simulated.lifecycle import NEVER, Phase, state_at
from cloudhands.burst.providers.simulated.luck import Luck
from cloudhands.burst.providers.simulated.options import Options
from cloudhands.burst.providers.simulated.servers import Row
from cloudhands.common.cloud import Held, Server, ServerState


def server(row: Row, now: float, options: Options, luck: Luck) -> Server | None:
    """The server of a row at a moment; None if it is gone.

    :param now: in seconds since the epoch.
    """
    if row.since == NEVER and row.phase is Phase.DELETING and not luck.sticking:
        return None
    state = state_at(row.phase, row.since, now, options, row.problem)
    return server_as(row, state) if state else None


def server_as(row: Row, state: ServerState) -> Server:
    """The server of a row, in a state."""
    has = [addresses.own(row.number)]
    if row.external_number is not None:
        has.append(addresses.external(row.external_number))
    failed = state is ServerState.FAILED
    return Server(
        id=row.id,
        identity=row.identity,
        state=state,
        addresses=tuple(has),
        size=row.size,
        problem=row.problem if failed else "",
        full=failed and bool(row.lacked_room),
        details={"name": row.name, "image": row.image, "size": row.size},
    )


def held(rows: Sequence[HeldRow]) -> Sequence[Held]:
    """The external addresses that are taken."""
    return [Held(row.identity, addresses.external(row.number)) for row in rows]
