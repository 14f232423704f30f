"""Writes down that a node has ended."""

from datetime import datetime

from sqlalchemy.orm import Session

from cloudhands.common.address import commands as addresses
from cloudhands.common.appliance.tables import Node


def end(session: Session, node: Node, now: datetime) -> None:
    """Write down that a node's server is gone, and its addresses with it."""
    node.ended_at = now
    addresses.release(session, node, now)
