"""Putting mail into the outbox, and writing down what came of sending it.

Whoever posts is a command that has checked who may; whoever sends holds the claim.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from cloudhands.common import work
from cloudhands.common.db import inserting
from cloudhands.common.mail.tables import Message
from cloudhands.common.work import Claim


def post(
    session: Session,
    to: str,
    template: str,
    values: Mapping[str, Any],
    now: datetime,
    once: str | None = None,
) -> Message | None:
    """Put a mail into the outbox, to be sent when the transaction commits, and wake the sender.

    :param to: one mail address.
    :param values: for the template; never a token or a link that grants something.
    :param once: names the event, without a person's address; it is mailed once, whoever posts it
        again and at the same moment.
    :returns: None if the event was posted before.
    """
    message = session.scalars(
        inserting(session, Message)
        .values(to=to, template=template, values=dict(values), once=once, created_at=now)
        .on_conflict_do_nothing(index_elements=[Message.once])
        .returning(Message)
    ).one_or_none()
    if message is not None:
        work.wake(session, message, now)
    return message


def sent(session: Session, taken: Claim, now: datetime) -> None:
    """Write down that a mail has been sent, and forget whom it went to and what it said.

    :raises ClaimLost: if another worker has taken it since.
    """
    message: Message = work.held(session, taken)
    message.to, message.values = "", {}
    message.sent_at, message.problem, message.attempt = now, "", 0
    work.release(message, taken, None, now)


def not_sent(
    session: Session, taken: Claim, problem: str, due_at: datetime | None, now: datetime
) -> None:
    """Write down why a mail could not be sent.

    :param problem: plain words, shown to the operator.
    :param due_at: when to try again; None for never.
    :raises ClaimLost: if another worker has taken it since.
    """
    message: Message = work.held(session, taken)
    message.problem = problem
    message.attempt += 1
    work.release(message, taken, due_at, now)
