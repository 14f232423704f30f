"""Whether cloud-burst only looks on: after a restore, until an operator has looked around.

The rows are then older than the clouds. What was launched since is unknown to them, and what was
deleted since would be made again.
"""

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from cloudhands.common.actor.commands import installation
from cloudhands.common.actor.tables import Installation

# Made once: it is asked for before whatever is taken in hand.
_OBSERVING = select(Installation.id).where(Installation.observing)


def is_on(connection: Connection | Session) -> bool:
    """Whether cloud-burst shall leave every cloud as it is."""
    return connection.execute(_OBSERVING).scalar() is not None


def begin(session: Session) -> None:
    """From now on nothing is made, changed or deleted in a cloud."""
    installation(session).observing = True


def end(session: Session) -> bool:
    """Let cloud-burst work again.

    :returns: whether it was kept from it.
    """
    row = installation(session)
    was_observing, row.observing = row.observing, False
    return was_observing
