"""What an operator does about a server that its cloud neither confirms nor deletes.

`abandon` puts its node aside: the appliance goes on without it, to be tried again or deleted. The
server may live on, so its addresses stay held, and its share of both limits reserved: the
subscription's, which it has, and one more of the organisation's, since the appliance keeps its own.
`write_off` ends the node and gives all of that back; should its server be seen once more, it is
deleted as what is left of any node that has ended.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.common import history, limits, permissions, work
from cloudhands.common.actor.queries import roles_of
from cloudhands.common.actor.tables import Actor
from cloudhands.common.address import commands as addresses
from cloudhands.common.appliance.queries import living_node
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.errors import Conflict
from cloudhands.common.limits import Amounts
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.queries import subscription
from cloudhands.common.provider.tables import Subscription


def abandon(
    session: Session, actor: Actor, appliance: Appliance, reason: str, now: datetime
) -> Node:
    """Give up the server of an appliance, and let the appliance go on without it.

    :param appliance: locked by the caller (`queries.by_uuid(..., lock=True)`).
    :param reason: plain words, kept in history.
    :returns: the node that is abandoned now.
    :raises Conflict: if it has no server, and is to have none.
    """
    permissions.require("appliance.abandon", roles_of(actor))
    node = living_node(session, appliance)
    if node is None or node.asked_at is None:
        raise Conflict(
            f"No cloud was asked for a server of {appliance.label}: there is nothing to abandon."
        )
    node.abandoned_at = now
    node.share = appliance.share._asdict()
    session.flush()  # before another node can live
    _go_on_without(appliance)
    limits.take(session, Organisation, appliance.organisation_id, appliance.share)
    why = f"its server at {node.provider.name} is abandoned: {reason}"
    _tell(session, actor, appliance, why, now)
    work.wake(session, appliance, now)
    return node


def _go_on_without(appliance: Appliance) -> None:
    """The next server bears another generation: should this one be seen, it is told from it."""
    retry_wanted = appliance.generation != appliance.seen_generation
    appliance.generation += 1
    if not retry_wanted:
        appliance.seen_generation = appliance.generation
    appliance.provider_id = appliance.seen_size = None


def write_off(
    session: Session, actor: Actor, appliance: Appliance, now: datetime
) -> Sequence[Node]:
    """End what was abandoned of an appliance, and give back what was kept for it.

    :param appliance: locked by the caller (`queries.by_uuid(..., lock=True)`).
    :returns: the nodes that have ended by that.
    :raises Conflict: if nothing is abandoned.
    """
    permissions.require("appliance.write-off", roles_of(actor))
    nodes = abandoned_of(session, appliance)
    if not nodes:
        raise Conflict(
            f"Nothing of {appliance.label} is abandoned. "
            f"First: cloud-admin appliance abandon {appliance.uuid} --reason TEXT"
        )
    for node in nodes:
        share = Amounts(**(node.share or {}))
        # In the order of cloud-burst: two would wait for each other in another one.
        used = subscription(session, appliance.organisation_id, node.provider_id)
        limits.give_back(session, Subscription, used.id, share)
        limits.give_back(session, Organisation, appliance.organisation_id, share)
        node.ended_at = now
        addresses.release(session, node, now)
        why = f"its abandoned server at {node.provider.name} is written off"
        _tell(session, actor, appliance, why, now)
    return nodes


def abandoned_of(session: Session, appliance: Appliance) -> Sequence[Node]:
    """The nodes of an appliance that are abandoned and not written off, the oldest first."""
    return session.scalars(
        select(Node)
        .where(
            Node.appliance_id == appliance.id,
            Node.abandoned_at.is_not(None),
            Node.ended_at.is_(None),
        )
        .order_by(Node.id)
    ).all()


def _tell(session: Session, actor: Actor, appliance: Appliance, why: str, now: datetime) -> None:
    state = appliance.state
    history.record(session, appliance, actor, why, now, from_state=state, to_state=state)
