"""What could not be built of an appliance in its present generation, and where."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.db import prepared
from cloudhands.common.provider.tables import Provider

TRIES_AT_ONE = 2
"""So many servers that cannot run are built at one provider; then the next is asked."""
MOST = 6
"""So many servers in all are built in one generation; then a person has to decide."""

ASKED = 1
"""So many rows of history has what was only asked for: giving a server up is recorded, too."""


class GivenUp(NamedTuple):
    """A node whose server could not be built: where, why, and whether for want of room.

    `provider` is its name.
    """

    provider_id: int
    provider: str
    failure: str
    full: bool


def hopeless(given_up: Sequence[GivenUp]) -> dict[int, str]:
    """The providers, by id, that could not build it often enough, and their last words."""
    broken = [node for node in given_up if not node.full]
    tries = Counter(node.provider_id for node in broken)
    return {
        node.provider_id: node.failure for node in broken if tries[node.provider_id] >= TRIES_AT_ONE
    }


def last_of_too_many(given_up: Sequence[GivenUp]) -> str:
    """Why it is not tried any more, or nothing while it may be."""
    if len(given_up) < MOST:
        return ""
    last = given_up[-1]
    return f"It was tried {len(given_up)} times; at last {last.provider} {last.failure}."


_GIVEN_UP = (
    select(Node.provider_id, Provider.name, Node.failure, Node.full)
    .join(Provider, Provider.id == Node.provider_id)
    .where(
        Node.appliance_id == bindparam("appliance"),
        Node.generation == bindparam("generation"),
        Node.failure != "",
    )
    .order_by(Node.id)
)


def given_up(session: Session, appliance: Appliance) -> Sequence[GivenUp]:
    """The nodes of its present generation whose server could not be built, the oldest first."""
    if appliance.touch_count <= ASKED:
        return []
    values = {"appliance": appliance.id, "generation": appliance.generation}
    return [GivenUp._make(row) for row in prepared(session).execute(_GIVEN_UP, values)]
