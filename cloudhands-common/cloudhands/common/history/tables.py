"""The tables of history."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cloudhands.common.append_only import append_only
from cloudhands.common.db import Base


class Touch(Base):
    """One row of history. The states are None for an artifact that has none.

    `number` counts an artifact's rows from 1. `facts` are ids and canonical values at that moment
    (no floating-point numbers, which databases write differently). `link` seals the row and, by
    the link before it, all earlier ones of the artifact: see `chain`.
    """

    __tablename__ = "touches"
    __table_args__ = (UniqueConstraint("artifact_uuid", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    artifact_kind: Mapped[str]
    artifact_uuid: Mapped[UUID]
    number: Mapped[int]
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    from_state: Mapped[str | None]
    to_state: Mapped[str | None]
    at: Mapped[datetime]
    facts: Mapped[dict[str, Any]]
    text_digest: Mapped[str]
    link: Mapped[str]

    text: Mapped["TouchText"] = relationship(back_populates="touch")


append_only(Touch.__table__)


class TouchText(Base):
    """Why it happened, in words that may tell of people: beside the row, so that they can go.

    The row has only their digest, with a salt that goes together with them, so that nobody can
    find out by guessing. What was erased has `erased`, which only the key's holder can write.
    """

    __tablename__ = "touch_texts"
    __table_args__ = (
        CheckConstraint(
            "(why IS NULL) = (salt IS NULL) AND (why IS NULL) = (erased IS NOT NULL)", name="whole"
        ),
    )

    touch_id: Mapped[int] = mapped_column(ForeignKey("touches.id"), primary_key=True)
    salt: Mapped[str | None]
    why: Mapped[str | None]
    erased: Mapped[str | None]

    touch: Mapped[Touch] = relationship(back_populates="text")


append_only(
    TouchText.__table__,
    erasure="NEW.touch_id = OLD.touch_id AND NEW.why IS NULL AND NEW.salt IS NULL "
    "AND NEW.erased IS NOT NULL",
)
