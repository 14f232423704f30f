"""Races for what one machine has alone: an address that is held, a living node."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudhands.common.address import commands as addresses
from cloudhands.common.address.tables import HeldAddress, Pool, PoolAddress
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.cloud import Address
from cloudhands.common.errors import LimitReached
from cloudhands.common.provider.tables import Provider
from cloudhands.common.testing.factories import NOON, Factory
from cloudhands.common.testing.races import rows
from cloudhands.common.testing.races.checks import only_one, winners
from cloudhands.common.testing.races.racing import (
    CONTENDERS,
    Control,
    Lost,
    Outcomes,
    Race,
)
from cloudhands.common.testing.races.rows import Fleet

NETWORK = "external"
IN_POOL = 5
UNIQUE = "DROP INDEX IF EXISTS uq_addresses_held"


def _address(number: int) -> str:
    return f"192.0.2.{number + 1}"


def _fleet(session: Session, round_: int) -> Fleet:
    return rows.fleet(session, CONTENDERS)


def _fleet_with_pool(session: Session, round_: int, size: int = IN_POOL) -> Fleet:
    made = _fleet(session, round_)
    at, last = session.get_one(Provider, made.provider), _address(size - 1)
    operator = Factory(session).operator
    addresses.define_pool(session, operator, at, NETWORK, f"{_address(0)}-{last}", NOON)
    return made


def _fleet_or_with_pool(session: Session, round_: int) -> Fleet:
    return (_fleet_with_pool if round_ % 2 else _fleet)(session, round_)


def _hold(session: Session, node: int, numbers: Sequence[int]) -> Lost | None:
    """Hold what the cloud shows; lost if another node holds all of it."""
    shown = [Address(NETWORK, _address(number)) for number in numbers]
    disputed = addresses.hold(session, session.get_one(Node, node), shown, NOON)
    return Lost("disputed") if len(disputed) == len(shown) else None


def _held_once(session: Session, prepared: Fleet) -> Iterator[str]:
    """No address is held twice, and what is free in the pool is what nobody holds."""
    query = select(HeldAddress.address).where(
        HeldAddress.provider_id == prepared.provider, HeldAddress.released_at.is_(None)
    )
    held = session.scalars(query).all()
    if len(set(held)) != len(held):
        yield f"held twice: {sorted(held)}"
    pooled = select(PoolAddress).join(Pool, Pool.id == PoolAddress.pool_id)
    for row in session.scalars(pooled.where(Pool.provider_id == prepared.provider)):
        if row.free == (row.address in held):
            yield f"{row.address} is {'held and free' if row.free else 'neither held nor free'}"


# --- the same two addresses for every node -------------------------------------------------------


def _hold_same(session: Session, prepared: Fleet, contender: int) -> Lost | None:
    return _hold(session, prepared.nodes[contender], (0, 1) if contender % 2 else (1, 0))


def _one_holds(session: Session, prepared: Fleet, outcomes: Outcomes) -> Iterator[str]:
    yield from winners(outcomes, 1)
    yield from _held_once(session, prepared)


# --- an address of a pool for every node, while there are any ------------------------------------


def _allot(session: Session, prepared: Fleet, contender: int) -> str:
    node = session.get_one(Node, prepared.nodes[contender])
    return addresses.allot(session, node, NETWORK, NOON).address


def _allot_unlocked(session: Session, prepared: Fleet, contender: int) -> str:
    free = session.scalars(
        select(PoolAddress)
        .join(Pool, Pool.id == PoolAddress.pool_id)
        .where(Pool.provider_id == prepared.provider, PoolAddress.free)
        .order_by(PoolAddress.packed)
        .limit(1)
    ).one_or_none()
    if free is None:
        raise LimitReached("none is free")
    free.free = False
    session.add(
        HeldAddress(
            provider_id=prepared.provider,
            network=NETWORK,
            address=free.address,
            node_id=prepared.nodes[contender],
            allotted=True,
            held_at=NOON,
        )
    )
    session.flush()
    return free.address


def _all_are_allotted(session: Session, prepared: Fleet, outcomes: Outcomes) -> Iterator[str]:
    yield from winners(outcomes, IN_POOL)
    yield from _held_once(session, prepared)


# --- some are allotted from a pool while the cloud gives the same ones away ----------------------


def _allot_or_hold(session: Session, prepared: Fleet, contender: int) -> Any:
    if contender % 2:
        return _hold(session, prepared.nodes[contender], (contender // 2,))
    return _allot(session, prepared, contender)


def _any_may_win(session: Session, prepared: Fleet, outcomes: Outcomes) -> Iterator[str]:
    return _held_once(session, prepared)


# --- each shows what its neighbour held, and what one other shows, too ---------------------------


def _each_holds(session: Session, round_: int) -> Fleet:
    made = _fleet_with_pool(session, round_, 2 * CONTENDERS)
    for number, node in enumerate(made.nodes):
        _hold(session, node, (number,))
    return made


def _hold_next(session: Session, prepared: Fleet, contender: int) -> Lost | None:
    # As cloud-burst does it: whoever records has the appliance's row locked.
    session.get_one(Appliance, prepared.appliances[contender], with_for_update=True)
    shown = ((contender + 1) % CONTENDERS, CONTENDERS + contender // 2)
    return _hold(session, prepared.nodes[contender], shown)


# --- a node for the same appliance ---------------------------------------------------------------


def _without_node(session: Session, round_: int) -> Fleet:
    (appliance,) = rows.appliances(session, 1)
    return Fleet(rows.provider(session).id, [appliance.id], [])


def _make_node(session: Session, prepared: Fleet, contender: int) -> None:
    session.add(rows.node(prepared.appliances[0], prepared.provider, contender % 2 + 1))
    session.flush()


def _one_lives(session: Session, prepared: Fleet, outcomes: Outcomes) -> Iterator[str]:
    yield from winners(outcomes, 1)
    mine = Node.appliance_id == prepared.appliances[0]
    yield from only_one(session, Node, mine, Node.ended_at.is_(None))


RACES: Sequence[Race[Any]] = (
    Race(
        "address-held",
        _fleet_or_with_pool,
        _hold_same,
        _one_holds,
        Control([UNIQUE]),
    ),
    Race(
        "address-allotted",
        _fleet_with_pool,
        _allot,
        _all_are_allotted,
        Control([UNIQUE], _allot_unlocked),
        (LimitReached,),
    ),
    Race(
        "address-allotted-or-held",
        _fleet_with_pool,
        _allot_or_hold,
        _any_may_win,
        Control([UNIQUE]),
        (LimitReached,),
    ),
    Race(
        "address-exchanged",
        _each_holds,
        _hold_next,
        _any_may_win,
        Control([UNIQUE]),
    ),
    Race(
        "node-living",
        _without_node,
        _make_node,
        _one_lives,
        Control(["DROP INDEX IF EXISTS uq_nodes_living"]),
        (IntegrityError,),
    ),
)
