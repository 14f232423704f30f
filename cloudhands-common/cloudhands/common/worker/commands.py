"""What a worker tells of itself."""

from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from cloudhands.common.worker.tables import Worker

# A row that was left behind is of no more interest then.
FORGOTTEN_AFTER = timedelta(days=1)


def arrive(session: Session, host: str, pid: int, now: datetime) -> int:
    """Tell that a worker has begun, and forget those that ended long ago without saying so.

    :returns: the id of its row.
    """
    session.execute(delete(Worker).where(Worker.seen_at < now - FORGOTTEN_AFTER))
    worker = Worker(host=host, pid=pid, started_at=now, seen_at=now)
    session.add(worker)
    session.flush()
    return worker.id


def tell(session: Session, worker_id: int, in_hand: int, now: datetime) -> bool:
    """Tell that a worker is still at it.

    :param in_hand: how many artifacts it has in hand.
    :returns: whether its row is there.
    """
    told = session.execute(
        update(Worker)
        .where(Worker.id == worker_id)
        .values(seen_at=now, in_hand=in_hand)
        .returning(Worker.id)
    )
    return told.one_or_none() is not None


def leave(session: Session, worker_id: int) -> None:
    """Tell that a worker has ended."""
    session.execute(delete(Worker).where(Worker.id == worker_id))
