"""Takes texts out of history and leaves the chain whole."""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cloudhands.common.db import secret_of
from cloudhands.common.history import chain
from cloudhands.common.history.tables import Touch, TouchText

BATCH = 500


def erase_texts(session: Session, touches: Sequence[int]) -> int:
    """Erase the texts of these rows of history, by id; those that are erased stay so.

    :param session: a writing one.
    :returns: how many were erased.
    """
    key = chain.key(secret_of(session))
    batches = (touches[first : first + BATCH] for first in range(0, len(touches), BATCH))
    return sum(_erase(session, key, batch) for batch in batches)


def _erase(session: Session, key: bytes, touches: Sequence[int]) -> int:
    rows = session.execute(
        select(Touch.id, Touch.link)
        .join(TouchText, TouchText.touch_id == Touch.id)
        .where(Touch.id.in_(touches), TouchText.erased.is_(None))
    ).all()
    for id_, link in rows:
        session.execute(
            update(TouchText)
            .where(TouchText.touch_id == id_)
            .values(salt=None, why=None, erased=chain.erasure(key, link))
        )
    return len(rows)
