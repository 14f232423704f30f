"""What can be read of workers."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.common.worker.tables import Worker

# It tells every 10 s; one that has not for so long is frozen, cut off, or was killed.
STALE_AFTER = timedelta(seconds=30)


def workers(session: Session) -> Sequence[Worker]:
    """All that have said that they run and not that they ended, the oldest first."""
    return session.scalars(select(Worker).order_by(Worker.started_at, Worker.id)).all()


def is_stale(worker: Worker, now: datetime) -> bool:
    """Whether it has not told for longer than one does that is at work."""
    return now - worker.seen_at > STALE_AFTER
