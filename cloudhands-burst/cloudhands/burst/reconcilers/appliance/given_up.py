"""What could not be built of an appliance in its present generation, and where."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from cloudhands.common.appliance.tables import Appliance, Node

TRIES_AT_ONE = 2
"""So many servers that cannot run are built at one provider; then the next is asked."""
MOST = 6
"""So many servers in all are built in one generation; then a person has to decide."""


def hopeless(session: Session, appliance: Appliance) -> dict[int, str]:
    """The providers, by id, that could not build it often enough, and their last words."""
    broken = [node for node in _given_up(session, appliance) if not node.full]
    tries = Counter(node.provider_id for node in broken)
    return {
        node.provider_id: node.failure for node in broken if tries[node.provider_id] >= TRIES_AT_ONE
    }


def last_of_too_many(session: Session, appliance: Appliance) -> str:
    """Why it is not tried any more, or nothing while it may be."""
    given_up = _given_up(session, appliance)
    if len(given_up) < MOST:
        return ""
    last = given_up[-1]
    return f"It was tried {len(given_up)} times; at last {last.provider.name} {last.failure}."


def _given_up(session: Session, appliance: Appliance) -> Sequence[Node]:
    return session.scalars(
        select(Node)
        .where(
            Node.appliance_id == appliance.id,
            Node.generation == appliance.generation,
            Node.failure != "",
        )
        .options(joinedload(Node.provider))
        .order_by(Node.id)
    ).all()
