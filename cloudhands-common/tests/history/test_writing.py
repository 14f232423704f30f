"""History that is gathered: written with the change, all of it at once, and never without it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from cloudhands.common import db, history
from cloudhands.common.actor.tables import Component
from cloudhands.common.db import Database
from cloudhands.common.history import Touch, TouchText
from cloudhands.common.history.verification import verify
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.testing.databases import SECRET
from cloudhands.common.testing.factories import NOON, Factory

MANY = 7


@pytest.fixture
def made(database: Database) -> list[int]:
    """Organisations, by their rows; each has one row of history."""
    with database.writing() as session:
        make = Factory(session)
        found = [make.organisation() for _ in range(MANY)]
        make.burst  # noqa: B018 (made here)
        session.flush()
        return [one.id for one in found]


def say(session: Session, id_: int, why: str) -> Organisation:
    organisation = session.get_one(Organisation, id_)
    burst = session.scalars(select(Component)).first()
    assert burst is not None
    history.record(session, organisation, burst, why, NOON, locked=True)
    return organisation


@contextmanager
def late(database: Database) -> Iterator[Session]:
    """A session that writes at its end."""
    with database.writing() as session:
        session.autoflush = False
        yield session


@contextmanager
def noted(session: Session) -> Iterator[list[str]]:
    """The tables that are inserted into, one for each statement."""
    found: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith("INSERT INTO"):
            found.append(statement.split()[2])

    event.listen(session.get_bind(), "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(session.get_bind(), "before_cursor_execute", note)


def told(database: Database, id_: int) -> list[str]:
    """What was recorded of one since it was made, the oldest first; all of history holds."""
    assert verify(database, SECRET).findings == []
    with database.reading() as session:
        found = history.latest(session, session.get_one(Organisation, id_).uuid)
    return [one.why for one in reversed(found)][1:]


def test_many_are_two_statements(database: Database, made: list[int]) -> None:
    with late(database) as session, noted(session) as inserted:
        for id_ in made:
            say(session, id_, f"said of {id_}")
        for id_ in reversed(made):
            say(session, id_, f"said again of {id_}")
        assert inserted == []
        session.flush()
        assert inserted == ["touches", "touch_texts"]
    for id_ in made:
        assert told(database, id_) == [f"said of {id_}", f"said again of {id_}"]


def test_the_commit_writes_them_and_a_session_that_flushes_by_itself_at_once(
    database: Database, made: list[int]
) -> None:
    with late(database) as session:
        say(session, made[0], "late")
    with database.writing() as session, noted(session) as inserted:
        say(session, made[0], "at once")
        assert inserted == ["touches", "touch_texts"]
    assert told(database, made[0]) == ["late", "at once"]


def test_who_reads_history_sees_them(database: Database, made: list[int]) -> None:
    with late(database) as session:
        organisation = say(session, made[0], "just now")
        assert history.latest(session, organisation.uuid)[0].why == "just now"


@pytest.mark.parametrize("end", ["rollback", "close"])
def test_they_are_forgotten_with_the_transaction(
    database: Database, made: list[int], end: str
) -> None:
    with Session(database.engine, autoflush=False, info={db.SECRET: SECRET}) as session:
        say(session, made[0], "taken back")
        getattr(session, end)()
        say(session, made[0], "holds")
        session.commit()
    assert told(database, made[0]) == ["holds"]


def test_what_a_savepoint_takes_back_is_not_written(database: Database, made: list[int]) -> None:
    with late(database) as session:
        say(session, made[0], "before")
        savepoint = session.begin_nested()
        say(session, made[0], "taken back")
        say(session, made[1], "taken back")
        savepoint.rollback()
        with session.begin_nested():
            say(session, made[0], "kept")
        say(session, made[0], "after")
    assert told(database, made[0]) == ["before", "kept", "after"]
    assert told(database, made[1]) == []


def test_they_are_written_whatever_the_session_lets_go_of(
    database: Database, made: list[int]
) -> None:
    """A savepoint, too, finds nothing there to be flushed, and must not take them with it."""
    with late(database) as session:
        session.expunge(say(session, made[0], "let go of"))
        savepoint = session.begin_nested()
        session.get_one(Organisation, made[1]).title = "Another"
        session.flush()
        savepoint.rollback()
    with database.reading() as session:
        query = select(TouchText.why).join(Touch).where(TouchText.why == "let go of")
        assert session.scalars(query).all() == ["let go of"]


def test_what_is_new_has_an_id_before_it_is_recorded(database: Database, made: list[int]) -> None:
    with late(database) as session:
        say(session, made[0], "something else")
        new = Organisation(name="new", title="New", created_at=NOON, version=0)
        session.add(new)
        operator = session.scalars(select(Component)).first()
        assert operator is not None
        history.record(session, new, operator, "made", NOON, locked=True)
        history.record(session, new, operator, "seen", NOON, locked=True)
    assert told(database, made[0]) == ["something else"]
    assert told(database, new_id(database)) == ["seen"]


def new_id(database: Database) -> int:
    with database.reading() as session:
        return session.scalars(select(func.max(Organisation.id))).one() or 0
