"""Writes what happened, with the change itself and in its transaction; reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from cloudhands.common.actor.tables import Actor
from cloudhands.common.db import secret_of
from cloudhands.common.forms import writable
from cloudhands.common.history import chain, writing
from cloudhands.common.history.tables import Touch, TouchText

ERASED = "(erased)"


class Recorded(Protocol):
    """An artifact that has a history."""

    kind: str
    uuid: UUID
    version: int
    touch_count: int
    last_link: str

    @property
    def facts(self) -> Mapping[str, Any]:
        """Ids and canonical values that history shall hold with every row."""


class Acting(Protocol):
    """Who does something: an `Actor`, or what is known of one."""

    @property
    def id(self) -> int:
        """The row's."""

    @property
    def uuid(self) -> UUID:
        """The public id."""


@dataclass(frozen=True)
class Event:
    """A Touch as people read it: `who` is the actor's name now, `actor` their id."""

    at: datetime
    who: str
    actor: UUID
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
    actor: Acting,
    why: str,
    now: datetime,
    *,
    from_state: str | None = None,
    to_state: str | None = None,
    locked: bool = False,
) -> None:
    """Write one Touch and raise the artifact's version, in the caller's transaction.

    Where the session writes only at its end (`autoflush` is off), the row is written then, together
    with all others (`writing`).

    :param session: a writing one.
    :param locked: whether the artifact was read and locked in this transaction already.
    :raises ConfigurationError: if the database was opened without the installation's secret.
    """
    key = chain.key(secret_of(session))
    if not locked or inspect(artifact).pending or actor.id is None:
        session.flush()  # a new artifact has no uuid, a new actor no id, before it is written
    if not locked and session.get_bind().dialect.name != "sqlite":
        # Two that record at once would both go on from the same link. No key is changed: others
        # may write rows that point to it.
        lock = {"key_share": True}
        session.refresh(artifact, ("version", "touch_count", "last_link"), with_for_update=lock)
    why, salt = writable(why), chain.salt()
    row = chain.Sealed(
        kind=artifact.kind,
        artifact=artifact.uuid,
        number=artifact.touch_count + 1,
        actor=actor.uuid,
        from_state=from_state,
        to_state=to_state,
        at=now.astimezone(UTC),
        facts=artifact.facts,
        text_digest=chain.text_digest(salt, why),
    )
    artifact.last_link = chain.link(key, artifact.last_link, row)
    artifact.touch_count = row.number
    artifact.version += 1
    writing.write(session, writing.Row(row, actor.id, artifact.last_link, salt, why))


def latest(session: Session, artifact: UUID, limit: int = 50) -> Sequence[Event]:
    """An artifact's history, the newest first, in one query."""
    session.flush()  # it may be gathered
    rows = session.execute(
        select(
            Touch.at,
            Actor.name,
            Actor.uuid,
            Touch.from_state,
            Touch.to_state,
            func.coalesce(TouchText.why, ERASED),
        )
        .join(Actor, Actor.id == Touch.actor_id)
        .outerjoin(TouchText, TouchText.touch_id == Touch.id)
        .where(Touch.artifact_uuid == artifact)
        .order_by(Touch.number.desc())
        .limit(limit)
    )
    return [Event(*row) for row in rows]
