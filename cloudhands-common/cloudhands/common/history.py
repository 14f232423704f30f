"""What happened: `Touch`, the append-only log of who changed which artifact, when and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cloudhands.common.actor.tables import Actor
from cloudhands.common.db import Base


class Touch(Base):
    """One row of history. The states are None for an artifact that has none."""

    __tablename__ = "touches"
    __table_args__ = (Index(None, "artifact_uuid", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    artifact_kind: Mapped[str]
    artifact_uuid: Mapped[UUID]
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"))
    from_state: Mapped[str | None]
    to_state: Mapped[str | None]
    at: Mapped[datetime]
    why: Mapped[str]


class Recorded(Protocol):
    """An artifact that has a history."""

    kind: str
    uuid: UUID
    version: int


@dataclass(frozen=True)
class Event:
    """A Touch as people read it: `who` is the actor's name."""

    at: datetime
    who: str
    from_state: str | None
    to_state: str | None
    why: str

    @property
    def changed_state(self) -> bool:
        """Whether the artifact went from one state to another."""
        return self.from_state != self.to_state


def record(
    session: Session,
    artifact: Recorded,
    actor: Actor,
    why: str,
    now: datetime,
    *,
    from_state: str | None = None,
    to_state: str | None = None,
) -> None:
    """Write one Touch and raise the artifact's version, in the caller's transaction."""
    session.flush()  # a new artifact has no uuid, a new actor no id, before it is written
    artifact.version += 1
    session.add(
        Touch(
            artifact_kind=artifact.kind,
            artifact_uuid=artifact.uuid,
            actor_id=actor.id,
            from_state=from_state,
            to_state=to_state,
            at=now,
            why=why,
        )
    )


def latest(session: Session, artifact: UUID, limit: int = 50) -> Sequence[Event]:
    """An artifact's history, the newest first, in one query."""
    rows = session.execute(
        select(Touch.at, Actor.name, Touch.from_state, Touch.to_state, Touch.why)
        .join(Actor, Actor.id == Touch.actor_id)
        .where(Touch.artifact_uuid == artifact)
        .order_by(Touch.id.desc())
        .limit(limit)
    )
    return [Event(*row) for row in rows]
