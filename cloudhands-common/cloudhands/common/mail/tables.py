"""The table of the outbox."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from cloudhands.common.db import Base
from cloudhands.common.work import Due, due_index


class Message(Due, Base):
    """A mail to be sent; it has no history.

    `template` names the text, `values` fill it in. `values` hold no token and no link: whoever
    sends derives them. `once` is the event that it tells of, so that one event mails once; no
    address stands in it, for it is kept. `problem` is why it could not be sent yet, in plain words.

    When it is sent, `to` and `values` are emptied: what is left tells that an event was mailed, and
    when, and nothing of the person. The mail server's log tells to whom.
    """

    __tablename__ = "messages"
    __table_args__ = (due_index("messages"),)
    kind = "message"

    to: Mapped[str]
    template: Mapped[str]
    values: Mapped[dict[str, Any]]
    once: Mapped[str | None] = mapped_column(unique=True)
    sent_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(default="")
