"""What holds in a world at every moment, whatever has happened: for tests.

`seen` takes a `Picture` of the rows and of the servers at the clouds; `broken` compares it with
itself and `broken_since` with an earlier one. Both say in words what does not hold.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.burst.testing import World
from cloudhands.common.actor.tables import User
from cloudhands.common.address.tables import HeldAddress
from cloudhands.common.appliance.states import APPLIANCE
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.catalogue.queries import amounts
from cloudhands.common.cloud import Identity, Server, ServerState
from cloudhands.common.db import Database
from cloudhands.common.history import Touch
from cloudhands.common.limits import WORDS, Amounts, larger
from cloudhands.common.machine import Machine
from cloudhands.common.membership.states import MEMBERSHIP
from cloudhands.common.membership.tables import Membership
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.states import SUBSCRIPTION
from cloudhands.common.provider.tables import Provider, Subscription

MACHINES: Mapping[str, Machine] = {
    "appliance": APPLIANCE,
    "membership": MEMBERSHIP,
    "subscription": SUBSCRIPTION,
}
WITH_SERVER = frozenset({"provisioning", "running", "stopping", "stopped", "starting"})
WITH_ADDRESS = WITH_SERVER - {"provisioning"}

_TABLES: Mapping[str, Any] = {
    "appliances": Appliance,
    "nodes": Node,
    "addresses": HeldAddress,
    "organisations": Organisation,
    "subscriptions": Subscription,
    "memberships": Membership,
    "users": User,
}
_TOUCHES = select(
    Touch.artifact_kind, Touch.artifact_uuid, Touch.number, Touch.from_state, Touch.to_state
).order_by(Touch.artifact_uuid, Touch.number)

Rows = Sequence[Any]


class Picture(NamedTuple):
    """All rows that tell of appliances and whose they are, and the servers by provider's name."""

    appliances: Rows
    nodes: Rows
    addresses: Rows
    organisations: Rows
    subscriptions: Rows
    memberships: Rows
    users: Rows
    touches: Rows
    providers: Mapping[int, str]
    servers: Mapping[str, Sequence[Server]]

    @property
    def living(self) -> Rows:
        """The nodes that have neither ended nor been abandoned."""
        return [node for node in self.kept if node.abandoned_at is None]

    @property
    def kept(self) -> Rows:
        """The nodes that have not ended: what they have is still theirs."""
        return [node for node in self.nodes if node.ended_at is None]

    @property
    def rows(self) -> Sequence[object]:
        """Everything but the clouds."""
        return tuple(self)[:8]


def seen(world: World) -> Picture:
    """The world as it is now."""
    return picture(world.database, {name: world.servers(name) for name in world.clouds})


def picture(database: Database, servers: Mapping[str, Sequence[Server]]) -> Picture:
    """The rows of a database as they are now, beside what is at the clouds.

    :param servers: by the provider's name.
    """
    with database.reading() as session:
        return Picture(
            **{name: _all(session, model) for name, model in _TABLES.items()},
            touches=session.execute(_TOUCHES).all(),
            providers={row.id: row.name for row in session.execute(select(Provider.__table__))},
            servers=servers,
        )


def _all(session: Session, model: Any) -> Rows:
    return session.execute(select(model.__table__).order_by(model.__table__.c.id)).all()


def broken(picture: Picture) -> Iterator[str]:
    """What does not hold."""
    yield from _states(picture)
    yield from _limits(picture)
    yield from _nodes(picture)
    yield from _addresses(picture)
    yield from _rests(picture)
    yield from _servers(picture)


def forgotten(picture: Picture, held: Sequence[Identity]) -> Iterator[str]:
    """What is held at a cloud and no living node may give back.

    :param held: for whom addresses are held.
    """
    uuids = {row.id: str(row.uuid) for row in picture.appliances}
    living = {(uuids[node.appliance_id], node.generation) for node in picture.kept}
    for identity in held:
        if (identity.appliance, identity.generation) not in living:
            yield f"an address of {identity} is held, and no living node is it"


def broken_since(before: Picture, now: Picture) -> Iterator[str]:
    """What has gone back that only goes on."""
    for kind in ("appliances", "organisations", "subscriptions", "memberships", "users"):
        rows = {row.id: row for row in getattr(now, kind)}
        for old in getattr(before, kind):
            new = rows.get(old.id)
            if new is None:
                yield f"{kind}: {old.id} is not there any more"
                continue
            for name in ("version", "wanted_version", "touch_count", "generation"):
                if getattr(new, name, 0) < getattr(old, name, 0):
                    yield f"{kind}: {name} of {old.id} has fallen"
            if getattr(old, "goal", "") == "deleted" and new.goal != "deleted":
                yield f"{kind}: the deletion of {old.id} was taken back"
    if len(now.touches) < len(before.touches):
        yield "history has become shorter"


def _states(picture: Picture) -> Iterator[str]:
    last: dict[Any, str | None] = {}
    for kind, uuid, number, source, target in picture.touches:
        machine = MACHINES.get(kind)
        if machine is None:
            continue
        before = last.get(uuid) if number > 1 else _beginning(machine, source)
        if source != before:
            yield f"{kind} {uuid}: row {number} goes on from {source}, it was {before}"
        if source != target and source is not None and not machine.allows(source, target):
            yield f"{kind} {uuid}: row {number} goes from {source} to {target}"
        if source is None and target != machine.initial:
            yield f"{kind} {uuid}: began as {target}"
        last[uuid] = target
    for row in (*picture.appliances, *picture.memberships, *picture.subscriptions):
        if last.get(row.uuid) != row.state:
            yield f"{row.uuid} is {row.state}, its history says {last.get(row.uuid)}"


def _beginning(machine: Machine, source: str | None) -> str | None:
    return None if source is None else machine.initial


def _limits(picture: Picture) -> Iterator[str]:
    rows = {row.id: row for row in picture.appliances}
    agreed: Counter[tuple[int, str]] = Counter()
    for row in rows.values():
        if row.state != "deleted":
            _add(agreed, row.organisation_id, _share(row))
    placed: Counter[tuple[int, str]] = Counter()
    uses = {(use.organisation_id, use.provider_id): use.id for use in picture.subscriptions}
    for node in picture.living:
        of = rows[node.appliance_id]
        _add(placed, uses[of.organisation_id, node.provider_id], _share(of))
    for node in picture.kept:
        if node.abandoned_at is not None:
            of, share = rows[node.appliance_id], Amounts(**node.share)
            _add(placed, uses[of.organisation_id, node.provider_id], share)
            _add(agreed, of.organisation_id, share)
    for kind, sums in (("organisations", agreed), ("subscriptions", placed)):
        for row in getattr(picture, kind):
            for name in WORDS:
                used = getattr(row, f"{name}_used")
                if used != sums[row.id, name]:
                    yield f"{kind}: {row.id} uses {used} {name}, not {sums[row.id, name]}"


def _share(row: Any) -> Amounts:
    """What an appliance takes: while it is resized enough for either size."""
    sizes = (row.size, row.seen_size or row.size)
    return larger(*(amounts(row.definition, size) for size in sizes))


def _add(sums: Counter[tuple[int, str]], id_: int, share: Amounts) -> None:
    for name, amount in share._asdict().items():
        sums[id_, name] += amount


def _nodes(picture: Picture) -> Iterator[str]:
    living = Counter(node.appliance_id for node in picture.living)
    for row in picture.appliances:
        count = living[row.id]
        if count > 1:
            yield f"appliance {row.id} has {count} living nodes"
        if row.state == "deleted" and count:
            yield f"appliance {row.id} is deleted and has a living node"
        if row.state in WITH_SERVER and not count and not _to_go_on(picture, row):
            yield f"appliance {row.id} is {row.state} without a living node"


def _to_go_on(picture: Picture, row: Any) -> bool:
    """Whether an operator has just abandoned its server, and somebody will look."""
    abandoned = {node.appliance_id for node in picture.nodes if node.abandoned_at is not None}
    return row.due_at is not None and row.id in abandoned


def _addresses(picture: Picture) -> Iterator[str]:
    living = {node.id: node for node in picture.living}
    held = [row for row in picture.addresses if row.released_at is None]
    for key, count in Counter((row.provider_id, row.network, row.address) for row in held).items():
        if count > 1:
            yield f"address {key} is held {count} times"
    kept = {node.id for node in picture.kept}
    for row in held:
        if row.node_id not in kept:
            yield f"address {row.address} is held by a node that has ended"
    holders = {living[row.node_id].appliance_id for row in held if row.node_id in living}
    for row in picture.appliances:
        lacks = row.state in WITH_ADDRESS and row.id not in holders
        if lacks and not _to_go_on(picture, row):
            yield f"appliance {row.id} is {row.state} without an address"


def _rests(picture: Picture) -> Iterator[str]:
    """What nobody will look at again is as it is wanted, or waits for a person."""
    for row in picture.appliances:
        if (row.claim_token is None) != (row.claim_until is None):
            yield f"appliance {row.id} has half a claim"
        if row.due_at is not None:
            continue
        waits = row.state == "failed" and row.goal != "deleted"
        if waits and row.generation != row.seen_generation:
            yield f"appliance {row.id} is to be tried again, and nobody will"
        if not waits and row.state != row.goal:
            yield f"appliance {row.id} rests as {row.state}, it shall be {row.goal}"
        if row.problem and row.generation == row.seen_generation:
            yield f"appliance {row.id} rests with the problem: {row.problem}"
        if row.claim_token is not None:
            yield f"appliance {row.id} rests in somebody's hand"


def _servers(picture: Picture) -> Iterator[str]:
    """A server is one that a living node may be; of twins all but one are still to be reaped."""
    rows = {row.id: row for row in picture.appliances}
    nodes = {
        (picture.providers[node.provider_id], str(rows[node.appliance_id].uuid), node.generation): (
            rows[node.appliance_id],
            node,
        )
        for node in picture.kept
    }
    for provider, servers in picture.servers.items():
        for server in servers:
            if server.state is ServerState.DELETING:
                continue
            key = (provider, server.identity.appliance, server.identity.generation)
            if key not in nodes:
                yield f"server {key} is at a cloud, and no living node is it"
                continue
            row, node = nodes[key]
            if node.abandoned_at is not None:
                continue
            if server.id != node.server_id and row.due_at is None and row.state != "failed":
                yield f"server {key} is a twin, and nobody will look"
