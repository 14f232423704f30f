"""Pools of addresses, and what a node holds: allotted from a pool, or as the cloud tells it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cloudhands.common import history, permissions
from cloudhands.common.actor.queries import roles_of
from cloudhands.common.actor.tables import Actor
from cloudhands.common.address import holding, ranges
from cloudhands.common.address.holding import Held
from cloudhands.common.address.queries import pool_of
from cloudhands.common.address.tables import HeldAddress, Pool, PoolAddress
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.cloud import Address
from cloudhands.common.db import inserting
from cloudhands.common.errors import LimitReached, NotFound
from cloudhands.common.forms import Form, Label, Line, parse
from cloudhands.common.provider.tables import Provider


class NewAddresses(Form):
    """Addresses for a pool: the network as the cloud calls it, and a range (`ranges.parse`)."""

    network: Label
    addresses: Annotated[Line, AfterValidator(ranges.checked)]


def define_pool(
    session: Session, actor: Actor, provider: Provider, network: str, addresses: str, now: datetime
) -> Pool:
    """Say which addresses of a provider's network are allotted here, or add some to its pool.

    Which of the pool's are free is reckoned anew from what living nodes hold.

    :raises InvalidInput: if the addresses are no such range, or too many.
    """
    permissions.require("pool.define", roles_of(actor))
    wanted = parse(NewAddresses, {"network": network, "addresses": addresses})
    network, named = wanted.network, ranges.parse(wanted.addresses)
    pool = pool_of(session, provider.id, network)
    if pool is None:
        pool = Pool(provider=provider, network=network, created_at=now, version=0)
        session.add(pool)
    history.record(session, pool, actor, f"added {named[0]} to {named[-1]}", now)
    session.flush()
    session.execute(
        inserting(session, PoolAddress).on_conflict_do_nothing(),
        [{"pool_id": pool.id, "address": str(one), "packed": one.packed} for one in named],
    )
    _reckon(session, pool)
    return pool


def _reckon(session: Session, pool: Pool) -> None:
    held = select(HeldAddress.address).where(
        HeldAddress.provider_id == pool.provider_id,
        HeldAddress.network == pool.network,
        HeldAddress.released_at.is_(None),
    )
    for free, these in (
        (False, PoolAddress.address.in_(held)),
        (True, PoolAddress.address.not_in(held)),
    ):
        session.execute(
            update(PoolAddress)
            .where(PoolAddress.pool_id == pool.id, PoolAddress.free != free, these)
            .values(free=free)
            .execution_options(synchronize_session=False)
        )


def allot(session: Session, node: Node, network: str, now: datetime) -> HeldAddress:
    """Give a node the lowest free address of a network's pool; the one it has, if it has one.

    :raises NotFound: if there is no such pool.
    :raises LimitReached: if no address of it is free.
    """
    for one in holding.held(session, node):
        if one.allotted and one.network == network:
            return session.get_one(HeldAddress, one.id)
    pool = pool_of(session, node.provider_id, network)
    if pool is None:
        raise NotFound(
            f"There is no pool of addresses of {network} at {node.provider.name}. "
            f"Define one: cloud-admin pool define {node.provider.name} {network} ADDRESSES"
        )
    while (free := _lowest_free(session, pool)) is not None:
        free.free = False
        # A cloud may have given it to a server by itself: then it is left to that one.
        if not holding.is_held(session, node, network, free.address):
            row = HeldAddress(
                provider_id=node.provider_id,
                network=network,
                address=free.address,
                node_id=node.id,
                allotted=True,
                held_at=now,
            )
            session.add(row)
            session.flush()
            return row
        session.flush()
    raise LimitReached(
        f"No address of {network} at {node.provider.name} is free. "
        f"Add some: cloud-admin pool define {node.provider.name} {network} ADDRESSES"
    )


def hold(
    session: Session,
    node: Node,
    addresses: Sequence[Address],
    now: datetime,
    known: Sequence[Held] | None = None,
) -> list[str]:
    """Write down the addresses that a node's server has now.

    What a pool allotted to it stays its own: a cloud may not show it, or not yet.

    :param known: what it holds, if that was read in this transaction (`holding.held_by`).
    :returns: those that another living node is still written down with; they are not held.
    """
    wanted = {(address.network, ranges.canonical(address.address)) for address in addresses}
    rows = holding.held(session, node) if known is None else known
    held = {(row.network, row.address): row for row in rows}
    if wanted == held.keys():
        return []
    gone = [row for key, row in held.items() if key not in wanted and not row.allotted]
    holding.give_back(session, node, gone, now)
    disputed = []
    for network, address in sorted(wanted - held.keys()):
        if not holding.take(session, node, network, address, now):
            disputed.append(address)
            _look_again(session, node, network, address, now)
    return disputed


def release(session: Session, node: Node, now: datetime) -> None:
    """Write down that a node, whose server is gone, holds no address any more."""
    holding.give_back(session, node, holding.held(session, node), now)


def _look_again(session: Session, node: Node, network: str, address: str, now: datetime) -> None:
    """Make the appliance due whose node is written down with an address that the cloud gave away.

    Its server is gone or going, so it is time to notice; not a wish, so `work.wake` is not for it.
    Who records on that appliance at this moment may wait for ours: it is passed over and not
    waited for, and comes up again when this node's addresses are looked at the next time.
    """
    session.flush()  # else it would go over this what was decided before in this transaction
    holder = (
        select(Appliance.id)
        .join(Node, Node.appliance_id == Appliance.id)
        .join(HeldAddress, HeldAddress.node_id == Node.id)
        .where(*holding.living(node.provider_id, network, address))
        .with_for_update(of=Appliance, skip_locked=True, key_share=True)
    )
    session.execute(
        update(Appliance)
        .where(Appliance.id.in_(holder))
        .values(due_at=now)
        .execution_options(synchronize_session=False)
    )


def _lowest_free(session: Session, pool: Pool) -> PoolAddress | None:
    """Locked; one that another transaction has just locked is passed over and not waited for."""
    return session.scalars(
        select(PoolAddress)
        .where(PoolAddress.pool_id == pool.id, PoolAddress.free)
        .order_by(PoolAddress.packed)
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
