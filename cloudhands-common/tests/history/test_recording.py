"""History: what is written, read, and can never be changed."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cloudhands.common import history
from cloudhands.common.db import Database
from cloudhands.common.history.verification import verify
from cloudhands.common.testing.databases import SECRET
from cloudhands.common.testing.factories import NOON, Factory


def test_the_newest_comes_first_with_who_and_why(database: Database) -> None:
    with database.writing() as session:
        make = Factory(session)
        user, organisation = make.user("alice"), make.organisation("physics")
        later = NOON + timedelta(minutes=5)
        history.record(session, organisation, user, "renamed it", later)
        uuid = organisation.uuid
    with database.reading() as session:
        newest, oldest = history.latest(session, uuid)
    assert (newest.who, newest.why, newest.at) == ("Alice", "renamed it", later)
    assert (oldest.who, oldest.why, oldest.at) == ("cloud-admin", "made at the command line", NOON)
    assert not newest.changed_state


def test_every_row_raises_the_version(database: Database) -> None:
    with database.writing() as session:
        make = Factory(session)
        organisation = make.organisation()
        version = organisation.version
        for _ in range(3):
            history.record(session, organisation, make.operator, "looked at it", NOON)
        assert organisation.version == version + 3


def test_each_artifact_has_its_own(database: Database) -> None:
    with database.writing() as session:
        make = Factory(session)
        first, second = make.organisation(), make.organisation()
        history.record(session, first, make.operator, "only this one", NOON)
        assert len(history.latest(session, first.uuid)) == 2
        assert len(history.latest(session, second.uuid)) == 1


def test_the_limit_keeps_the_newest(database: Database) -> None:
    with database.writing() as session:
        make = Factory(session)
        organisation = make.organisation()
        for number in range(5):
            history.record(session, organisation, make.operator, f"number {number}", NOON)
        found = history.latest(session, organisation.uuid, limit=2)
    assert [event.why for event in found] == ["number 4", "number 3"]


def test_nothing_is_kept_when_the_transaction_is_rolled_back(database: Database) -> None:
    with database.writing() as session:
        organisation = Factory(session).organisation()
        uuid = organisation.uuid
        session.rollback()
    with database.reading() as session:
        assert history.latest(session, uuid) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE touches SET to_state = 'deleted'",
        "UPDATE touches SET actor_id = actor_id",
        "DELETE FROM touches",
        "TRUNCATE touches CASCADE",
        "UPDATE touch_texts SET why = 'nothing happened'",
        "UPDATE touch_texts SET why = NULL, salt = NULL",
        "DELETE FROM touch_texts",
        "TRUNCATE touch_texts",
    ],
)
def test_history_can_be_added_to_and_not_changed(database: Database, statement: str) -> None:
    if statement.startswith("TRUNCATE") and database.is_sqlite:
        statement = f"DELETE FROM {statement.split()[1]} WHERE 1"  # it has no TRUNCATE
    with database.writing() as session:
        Factory(session).organisation()
    before = rows(database)
    assert before
    words = "history is append-only|NULL constraint|CHECK constraint"
    with pytest.raises(DBAPIError, match=words), database.writing() as session:
        session.execute(text(statement))
    assert rows(database) == before


def test_a_row_of_history_cannot_be_replaced(database: Database) -> None:
    with database.writing() as session:
        Factory(session).organisation()
    before = rows(database)
    insert = "INSERT OR REPLACE" if database.is_sqlite else "INSERT"
    again = text(f"{insert} INTO touches SELECT * FROM touches")
    with pytest.raises(DBAPIError), database.writing() as session:
        session.execute(again)
    assert rows(database) == before


def rows(database: Database) -> list[tuple[object, ...]]:
    with database.reading() as session:
        return [tuple(row) for row in session.execute(text("SELECT * FROM touches ORDER BY id"))]


def test_words_that_no_database_takes_do_not_hinder(database: Database) -> None:
    with database.writing() as session:
        make = Factory(session)
        organisation = make.organisation()
        history.record(session, organisation, make.operator, "a cloud's \ud800 and \0 words", NOON)
        uuid = organisation.uuid
    with database.reading() as session:
        assert history.latest(session, uuid)[0].why == "a cloud's ? and  words"
    assert verify(database, SECRET).findings == []


def test_whoever_changed_something_is_told_by_id_too(database: Database) -> None:
    with database.writing() as session:
        make = Factory(session)
        uuid, actor = make.organisation().uuid, make.operator.uuid
    with database.reading() as session:
        assert history.latest(session, uuid)[0].actor == actor
