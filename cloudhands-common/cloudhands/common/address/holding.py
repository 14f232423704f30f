"""Who holds an address: the statements that each server costs that comes to run, made once.

They are not of the unit of work: what was changed with one address counts for the next at once,
also in a session that writes everything else at its end.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from cloudhands.common.address.tables import HeldAddress, Pool, PoolAddress
from cloudhands.common.appliance.tables import Node
from cloudhands.common.db import prepared


class Held(NamedTuple):
    """An address that a node holds; `id` is the row's."""

    id: int
    network: str
    address: str
    allotted: bool


_OF_NODES = select(
    HeldAddress.node_id,
    HeldAddress.id,
    HeldAddress.network,
    HeldAddress.address,
    HeldAddress.allotted,
).where(
    HeldAddress.node_id.in_(bindparam("nodes", expanding=True)), HeldAddress.released_at.is_(None)
)


def held(session: Session, node: Node) -> Sequence[Held]:
    """What a node holds now."""
    return held_by(session, [node]).get(node.id, ())


def held_by(session: Session, nodes: Iterable[Node]) -> Mapping[int, Sequence[Held]]:
    """What several nodes hold now, by the nodes' rows; without those that hold nothing."""
    found: dict[int, list[Held]] = {}
    for node_id, *row in prepared(session).execute(_OF_NODES, {"nodes": [n.id for n in nodes]}):
        found.setdefault(node_id, []).append(Held._make(row))
    return found


def living(at: Any, network: Any, address: Any) -> Sequence[ColumnElement[bool]]:
    """What is true of the row of whoever holds an address of a provider's now."""
    return (
        HeldAddress.provider_id == at,
        HeldAddress.network == network,
        HeldAddress.address == address,
        HeldAddress.released_at.is_(None),
    )


_AT: Any
_NETWORK: Any
_ADDRESS: Any
_AT, _NETWORK, _ADDRESS = (bindparam(name) for name in ("at", "of_network", "this"))
_HOLDER = select(HeldAddress.id).where(*living(_AT, _NETWORK, _ADDRESS))
_POOLED = (
    select(PoolAddress.id)
    .join(Pool, Pool.id == PoolAddress.pool_id)
    .where(Pool.provider_id == _AT, Pool.network == _NETWORK, PoolAddress.address == _ADDRESS)
    .scalar_subquery()
)
_HOLDER_AND_POOLED = select(_HOLDER.scalar_subquery(), _POOLED)


def _place(node: Node, network: str, address: str) -> Mapping[str, Any]:
    """An address of the provider where a node is, as a parameter."""
    return {"at": node.provider_id, "of_network": network, "this": address}


def is_held(session: Session, node: Node, network: str, address: str) -> bool:
    """Whether any node holds an address of the provider where a node is."""
    place = _place(node, network, address)
    return prepared(session).execute(_HOLDER, place).one_or_none() is not None


def take(session: Session, node: Node, network: str, address: str, now: datetime) -> bool:
    """Write down that a node holds an address; False if another does."""
    place = _place(node, network, address)
    holder, pooled = prepared(session).execute(_HOLDER_AND_POOLED, place).one()
    # Not left to the database: who waits there for the holder has marked the pool already.
    if holder is not None:
        return False
    # The pool's row first, as in `allot`: in another order two would wait for each other for ever.
    if pooled is not None:
        _mark(session, place, free=False)
    values = {
        "provider_id": node.provider_id,
        "network": network,
        "address": address,
        "node_id": node.id,
        "held_at": now,
    }
    connection = prepared(session)
    return connection.scalar(_taking(connection.dialect.name), values) is not None


@functools.cache
def _taking(dialect: str) -> Any:
    """Adds a row, unless another transaction has just written down another holder."""
    of_it = postgresql if dialect == "postgresql" else sqlite
    return of_it.insert(HeldAddress).on_conflict_do_nothing().returning(HeldAddress.id)


_ADDRESSES = HeldAddress.metadata.tables[HeldAddress.__tablename__]
_RELEASE = (
    update(_ADDRESSES)
    .where(_ADDRESSES.c.id == bindparam("row"))
    .values(released_at=bindparam("now"))
)


def give_back(session: Session, node: Node, rows: Iterable[Held], now: datetime) -> None:
    """Write down that a node does not hold these any more."""
    for row in rows:
        prepared(session).execute(_RELEASE, {"row": row.id, "now": now})
        _mark(session, _place(node, row.network, row.address), free=True)


_POOL = PoolAddress.metadata.tables[PoolAddress.__tablename__]
_MARK = (
    update(_POOL)
    .where(_POOL.c.id == _POOLED, _POOL.c.free != bindparam("becomes"))
    .values(free=bindparam("becomes"))
)


def _mark(session: Session, place: Mapping[str, Any], *, free: bool) -> None:
    """Say whether an address is free, if a pool has it.

    What was read of a pool's address is locked, and is read again before it is used.
    """
    prepared(session).execute(_MARK, {**place, "becomes": free})
