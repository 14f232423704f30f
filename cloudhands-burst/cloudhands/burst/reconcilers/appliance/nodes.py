"""The living nodes of all appliances of a page and what they hold, read once; how a node ends."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cloudhands.burst.ledger import Page
from cloudhands.common.address import commands as addresses
from cloudhands.common.address import holding
from cloudhands.common.address.holding import Held
from cloudhands.common.appliance.tables import Node

# Made once: whatever is recorded asks for it.
_LIVING = select(Node).where(
    Node.appliance_id.in_(bindparam("appliances", expanding=True)),
    Node.ended_at.is_(None),
    Node.abandoned_at.is_(None),
)


def living(page: Page) -> Mapping[int, Node]:
    """The living nodes by the appliances' rows, as they were read."""
    values = {"appliances": [appliance.id for appliance in page.artifacts]}
    return {node.appliance_id: node for node in page.session.scalars(_LIVING, values)}


def held(page: Page) -> Mapping[int, Sequence[Held]]:
    """The addresses that the living nodes hold, by the nodes' rows, as they were read."""
    return holding.held_by(page.session, page.of_all(living).values())


def end(session: Session, node: Node, now: datetime) -> None:
    """Write down that a node's server is gone, and its addresses with it."""
    node.ended_at = now
    addresses.release(session, node, now)
