"""Writes down what a node holds, and that it has ended."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cloudhands.common.address.tables import HeldAddress
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.cloud import Address


def hold(session: Session, node: Node, addresses: Sequence[Address], now: datetime) -> list[str]:
    """Write down the addresses that a node's server has now.

    :returns: those that another living node is still written down with; they are not held.
    """
    wanted = {(address.network, address.address) for address in addresses}
    held = {(row.network, row.address): row for row in _held(session, node)}
    for key in held.keys() - wanted:
        held[key].released_at = now
    disputed = []
    for network, address in sorted(wanted - held.keys()):
        other = _holder(session, node, network, address)
        if other is not None:
            disputed.append(address)
            _look_again(session, other, now)
        else:
            session.add(_row(node, network, address, now))
    return disputed


def end(session: Session, node: Node, now: datetime) -> None:
    """Write down that a node's server is gone, and its addresses with it."""
    node.ended_at = now
    session.execute(
        update(HeldAddress)
        .where(HeldAddress.node_id == node.id, HeldAddress.released_at.is_(None))
        .values(released_at=now)
    )


def _held(session: Session, node: Node) -> Sequence[HeldAddress]:
    return session.scalars(
        select(HeldAddress).where(HeldAddress.node_id == node.id, HeldAddress.released_at.is_(None))
    ).all()


def _holder(session: Session, node: Node, network: str, address: str) -> Node | None:
    return session.scalars(
        select(Node)
        .join(HeldAddress, HeldAddress.node_id == Node.id)
        .where(
            HeldAddress.provider_id == node.provider_id,
            HeldAddress.network == network,
            HeldAddress.address == address,
            HeldAddress.released_at.is_(None),
        )
    ).one_or_none()


def _look_again(session: Session, holder: Node, now: datetime) -> None:
    # The cloud gave the address to another server, so the holder's is gone or going: it is time
    # to notice. Not a wish, so `work.wake` is not for it.
    session.execute(update(Appliance).where(Appliance.id == holder.appliance_id).values(due_at=now))


def _row(node: Node, network: str, address: str, now: datetime) -> HeldAddress:
    return HeldAddress(
        provider_id=node.provider_id,
        network=network,
        address=address,
        node_id=node.id,
        held_at=now,
    )
