"""What is due after a clock was set back: the rows hold moments that a clock told which was ahead.

What was put off for seconds would wait for as long as the clock was ahead, and so would everybody
for a claim whose holder was killed. Doing it twice, or in several processes, does no harm.
"""

from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select, text, update
from sqlalchemy.orm import Session

from cloudhands.common import work
from cloudhands.common.appliance.tables import LIVING, Node
from cloudhands.common.work import Due

# What was put off comes back over so many seconds.
SPREAD_SECONDS = 10.0


def remember_nothing_to_come(session: Session, now: datetime) -> None:
    """Take it that what a cloud was asked for at a moment to come was asked for now.

    :param session: a writing one.
    """
    session.execute(
        update(Node)
        .where(Node.asked_at > now, text(LIVING))
        .values(asked_at=now)
        .execution_options(synchronize_session=False)
    )


def look_again(session: Session, model: type[Due], now: datetime, seconds: float) -> None:
    """Make due what was put off, and let no claim last for longer than one that begins now.

    :param session: a writing one.
    :param seconds: how long a claim lasts.
    """
    put_off = model.due_at > now
    until = now + timedelta(seconds=seconds)
    longer = (model.due_at.is_not(None), model.claim_until > until)  # by the index of due rows
    # All at once: who records on several locks them by their ids, too.
    concerned = select(model.id).where(or_(put_off, and_(*longer))).order_by(model.id)
    session.execute(concerned.with_for_update(key_share=True)).all()
    work.wake_all(session, model, now, put_off, spread=SPREAD_SECONDS)
    session.execute(
        update(model)
        .where(*longer)
        .values(claim_until=until)
        .execution_options(synchronize_session=False)
    )
