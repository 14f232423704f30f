"""The table of workers."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from cloudhands.common.db import Base


class Worker(Base):
    """A process of cloud-burst that is running, or that ended without saying so.

    `in_hand` is how many artifacts it had in hand at `seen_at`, when it last told. Nothing depends
    on this row: it is for people to look at.
    """

    __tablename__ = "workers"

    id: Mapped[int] = mapped_column(primary_key=True)
    host: Mapped[str]
    pid: Mapped[int]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    in_hand: Mapped[int] = mapped_column(default=0)
