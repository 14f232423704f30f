"""A table of which the database refuses every change, whichever table it is."""

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, UniqueConstraint, text
from sqlalchemy.exc import DBAPIError

from cloudhands.common.append_only import append_only
from cloudhands.common.db import Database


@pytest.fixture
def numbers(database: Database) -> Database:
    """A database with one more such table, and a row in it."""
    metadata = MetaData()
    table = Table(
        "numbers",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("number", Integer, index=True, unique=True),
        Column("place", String),
        Column("person", String),
        UniqueConstraint("place", "person"),
    )
    append_only(table)
    with database.writing() as session:
        metadata.create_all(session.connection())
        session.execute(text("INSERT INTO numbers VALUES (1, 10, 'here', 'alice')"))
    return database


def rows(database: Database) -> list[tuple[object, ...]]:
    with database.reading() as session:
        return [tuple(row) for row in session.execute(text("SELECT * FROM numbers ORDER BY id"))]


def test_rows_can_be_added(numbers: Database) -> None:
    with numbers.writing() as session:
        session.execute(text("INSERT INTO numbers VALUES (2, 11, 'here', 'bob')"))
        session.execute(text("INSERT INTO numbers VALUES (3, 12, 'there', 'alice')"))
    assert len(rows(numbers)) == 3


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE numbers SET person = 'bob'",
        "DELETE FROM numbers",
        "TRUNCATE numbers",
        "REPLACE INTO numbers VALUES (1, 11, 'there', 'bob')",
        "REPLACE INTO numbers VALUES (2, 10, 'there', 'bob')",
        "REPLACE INTO numbers VALUES (2, 11, 'here', 'alice')",
    ],
)
def test_no_row_is_changed_whatever_key_names_it(numbers: Database, statement: str) -> None:
    sentence = "history is append-only"
    if numbers.is_sqlite:
        statement = statement.replace("TRUNCATE", "DELETE FROM")
    elif statement.startswith("REPLACE"):
        statement, sentence = statement.replace("REPLACE", "INSERT"), "duplicate key"
    with pytest.raises(DBAPIError, match=sentence), numbers.writing() as session:
        session.execute(text(statement))
    assert rows(numbers) == [(1, 10, "here", "alice")]
