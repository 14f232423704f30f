"""Long histories, written in bulk and sealed like any other: for benchmarks and tests."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import JsonbDumper
from sqlalchemy import func, insert, literal, select
from sqlalchemy.orm import Session

from cloudhands.common.actor.tables import Actor
from cloudhands.common.db import secret_of
from cloudhands.common.history import Touch, TouchText, chain
from cloudhands.common.machine import Stateful

WHY = "looked at it again"
BATCH = 20_000
TOUCHES = Touch.metadata.tables[Touch.__tablename__]
Row = Mapping[str, Any]


def lengthen(
    session: Session, artifacts: Iterable[Stateful], wanted: int, actor: Actor, now: datetime
) -> None:
    """Bring the history of each artifact to a number of rows, and its version to the same.

    :param artifacts: in a state that stays as it is; rows of the session, or something that holds
        the values of rows which are yet to be written.
    """
    session.flush()
    before = session.scalar(select(func.coalesce(func.max(Touch.id), 0)))
    salt = chain.salt()
    key = chain.key(secret_of(session))
    rows: list[Row] = []
    for artifact in artifacts:
        rows += _rows(key, artifact, wanted, actor, now, salt)
        if len(rows) >= BATCH:
            _write(session, rows)
            rows = []
    if rows:
        _write(session, rows)
    beside = select(Touch.id, literal(salt), literal(WHY)).where(Touch.id > before)
    session.execute(insert(TouchText).from_select(["touch_id", "salt", "why"], beside))


def _rows(
    key: bytes, artifact: Stateful, wanted: int, actor: Actor, now: datetime, salt: str
) -> Iterator[Row]:
    digest, facts = chain.text_digest(salt, WHY), dict(artifact.facts)
    link = artifact.last_link
    for number in range(artifact.touch_count + 1, wanted + 1):
        row = chain.Sealed(
            kind=artifact.kind,
            artifact=artifact.uuid,
            number=number,
            actor=actor.uuid,
            from_state=artifact.state,
            to_state=artifact.state,
            at=now,
            facts=facts,
            text_digest=digest,
        )
        link = chain.link(key, link, row)
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
            "link": link,
        }
    artifact.last_link = link
    artifact.touch_count = artifact.version = wanted


def _write(session: Session, rows: Sequence[Row]) -> None:
    connection = session.connection()
    driver = connection.connection.driver_connection
    if isinstance(driver, psycopg.Connection):
        _copy(driver, rows)
    else:
        # Of the table: an INSERT of the class takes half as long again.
        connection.execute(insert(TOUCHES), rows)


def _copy(driver: "psycopg.Connection[Any]", rows: Sequence[Row]) -> None:
    """COPY takes half the time of INSERT."""
    columns = sql.SQL(", ").join(map(sql.Identifier, rows[0]))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(TOUCHES.name), columns)
    with driver.cursor() as cursor:
        cursor.adapters.register_dumper(dict, JsonbDumper)
        with cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(list(row.values()))
