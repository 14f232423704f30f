"""Puts rows of history into the database: at once, or together with all others of a transaction.

A session whose `autoflush` is off writes its artifacts when it is flushed, and their history with
them: many rows in two statements. What was gathered is written by the flush or by the commit,
whichever comes first, and forgotten with the transaction: it is there whenever the change is, and
only then. Within a savepoint, which may be taken back alone, nothing is gathered.
"""

from typing import Any, NamedTuple

from sqlalchemy import bindparam, event, insert, select
from sqlalchemy.orm import Session, SessionTransaction

from cloudhands.common.history.chain import Sealed
from cloudhands.common.history.tables import Touch, TouchText

_GATHERED = "cloudhands_history"


class Row(NamedTuple):
    """A row of history with its text.

    :param actor_id: the actor's row.
    """

    sealed: Sealed
    actor_id: int
    link: str
    salt: str
    why: str


def write(session: Session, row: Row) -> None:
    """Write a row now, or when the session is flushed if it does not do that by itself."""
    if session.autoflush or session.in_nested_transaction():
        _insert(session, [row])
    else:
        session.info.setdefault(_GATHERED, []).append(row)


def _write_gathered(session: Session, *_: object) -> None:
    if not session.in_nested_transaction() and (rows := session.info.pop(_GATHERED, None)):
        _insert(session, rows)


def _forget_gathered(session: Session, ended: SessionTransaction) -> None:
    if ended.parent is None:
        session.info.pop(_GATHERED, None)


# Of all sessions, so that none can be without.
event.listen(Session, "after_flush", _write_gathered)
event.listen(Session, "before_commit", _write_gathered)
event.listen(Session, "after_transaction_end", _forget_gathered)

# Rows that nobody changes any more: written without being kept in the session. Many are one
# `executemany`, so the text finds its row by what makes that the only one.
_TOUCHES = insert(Touch.metadata.tables[Touch.__tablename__]).inline()
_TEXTS = (
    insert(TouchText.metadata.tables[TouchText.__tablename__])
    .values(
        touch_id=select(Touch.id)
        .where(
            Touch.artifact_uuid == bindparam("artifact"), Touch.number == bindparam("its_number")
        )
        .scalar_subquery(),
        salt=bindparam("its_salt"),
        why=bindparam("its_why"),
    )
    .inline()
)


def _insert(session: Session, rows: list[Row]) -> None:
    connection = session.connection()
    connection.execute(_TOUCHES, [_touch(row) for row in rows])
    connection.execute(_TEXTS, [_text(row) for row in rows])


def _touch(row: Row) -> dict[str, Any]:
    sealed = row.sealed
    return {
        "artifact_kind": sealed.kind,
        "artifact_uuid": sealed.artifact,
        "number": sealed.number,
        "actor_id": row.actor_id,
        "from_state": sealed.from_state,
        "to_state": sealed.to_state,
        "at": sealed.at,
        "facts": dict(sealed.facts),
        "text_digest": sealed.text_digest,
        "link": row.link,
    }


def _text(row: Row) -> dict[str, Any]:
    return {
        "artifact": row.sealed.artifact,
        "its_number": row.sealed.number,
        "its_salt": row.salt,
        "its_why": row.why,
    }
