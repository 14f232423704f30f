"""What can be read of the outbox."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from cloudhands.common.mail.tables import Message


class Waiting(NamedTuple):
    """The number of mails still to be sent, and when the oldest was posted."""

    number: int
    oldest: datetime | None


# What is due is what is to be sent: only that is read, by the index of due rows.
_WAITING = select(func.count(), func.min(Message.created_at)).where(Message.due_at.is_not(None))


def waiting(connection: Connection | Session) -> Waiting:
    """What is still to be sent, in one query that costs what waits."""
    return Waiting(*connection.execute(_WAITING).one())
