"""Long histories, written in bulk and sealed like any other: for benchmarks and tests."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, literal, select
from sqlalchemy.orm import Session

from cloudhands.common.actor.tables import Actor
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.db import secret_of
from cloudhands.common.history import Touch, TouchText, chain

WHY = "looked at it again"
BATCH = 20_000


def lengthen(
    session: Session, appliances: Iterable[Appliance], wanted: int, actor: Actor, now: datetime
) -> None:
    """Bring the history of each appliance to a number of rows, and its version to the same.

    :param appliances: written already; in a state that stays as it is.
    """
    session.flush()
    before = session.scalar(select(func.coalesce(func.max(Touch.id), 0)))
    salt = chain.salt()
    rows: list[Mapping[str, Any]] = []
    for appliance in appliances:
        rows += _rows(chain.key(secret_of(session)), appliance, wanted, actor, now, salt)
        if len(rows) >= BATCH:
            session.execute(insert(Touch), rows)
            rows = []
    if rows:
        session.execute(insert(Touch), rows)
    beside = select(Touch.id, literal(salt), literal(WHY)).where(Touch.id > before)
    session.execute(insert(TouchText).from_select(["touch_id", "salt", "why"], beside))


def _rows(
    key: bytes, appliance: Appliance, wanted: int, actor: Actor, now: datetime, salt: str
) -> Iterator[Mapping[str, Any]]:
    digest, facts = chain.text_digest(salt, WHY), dict(appliance.facts)
    for number in range(appliance.touch_count + 1, wanted + 1):
        row = chain.Sealed(
            kind=appliance.kind,
            artifact=appliance.uuid,
            number=number,
            actor=actor.uuid,
            from_state=appliance.state,
            to_state=appliance.state,
            at=now,
            facts=facts,
            text_digest=digest,
        )
        appliance.last_link = chain.link(key, appliance.last_link, row)
        appliance.touch_count = number
        yield {
            "artifact_kind": row.kind,
            "artifact_uuid": row.artifact,
            "number": number,
            "actor_id": actor.id,
            "from_state": row.from_state,
            "to_state": row.to_state,
            "at": now,
            "facts": facts,
            "text_digest": digest,
            "link": appliance.last_link,
        }
    appliance.version = wanted
