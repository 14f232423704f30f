"""What the comparison of two databases' catalogues notices, and what it does not mind."""

from collections.abc import Sequence

import pytest
from sqlalchemy import text

from cloudhands.common import schema, structure
from cloudhands.common.db import Database, opened
from cloudhands.common.errors import DatabaseError
from cloudhands.common.testing.postgresql import PostgreSQL


def change(database: Database, *statements: str) -> Sequence[str]:
    """Change a database behind our back; returns what is told of it."""
    with database.writing() as session:
        for statement in statements:
            session.execute(text(statement))
    database.close()  # SQLite's connections have the old schema in mind
    return schema.differences(database)


def edit(table: str, old: str, new: str) -> Sequence[str]:
    """What changes SQLite's text of a table, where no statement does."""
    return (
        "PRAGMA writable_schema=ON",
        f"UPDATE sqlite_schema SET sql = replace(sql, '{old}', '{new}') WHERE name = '{table}'",
    )


def test_a_trigger_that_is_gone(database: Database) -> None:
    of = "" if database.is_sqlite else " ON touches"
    assert change(database, f"DROP TRIGGER touches_are_not_changed{of}") == [
        "trigger touches.touches_are_not_changed is missing"
    ]


def test_a_trigger_that_does_something_else(database: Database) -> None:
    if database.is_sqlite:
        name = "touches_are_not_deleted"
        again = f"CREATE TRIGGER {name} BEFORE DELETE ON touches BEGIN SELECT 1; END"
        (told,) = change(database, f"DROP TRIGGER {name}", again)
        assert f"trigger touches.{name} should be " in told
    else:
        body = "LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
        name = "history_is_append_only()"
        (told,) = change(database, f"CREATE OR REPLACE FUNCTION {name} RETURNS trigger {body}")
        assert f"function {name} should be " in told


def test_a_trigger_that_is_switched_off(postgresql_url: str) -> None:
    with opened(postgresql_url) as database:
        (told,) = change(database, "ALTER TABLE touches DISABLE TRIGGER touches_are_not_changed")
    assert "trigger touches.touches_are_not_changed should be" in told
    assert "switched to D" in told


def test_another_predicate_of_an_index(database: Database) -> None:
    again = "CREATE UNIQUE INDEX uq_nodes_living ON nodes (appliance_id)"
    (told,) = change(database, "DROP INDEX uq_nodes_living", f"{again} WHERE server_id IS NULL")
    assert "index nodes.uq_nodes_living should be " in told
    (told,) = change(database, "DROP INDEX uq_nodes_living", again)
    assert "index nodes.uq_nodes_living should be " in told


def test_a_check_that_is_gone(database: Database) -> None:
    statements: Sequence[str] = ("ALTER TABLE appliances DROP CONSTRAINT ck_appliances_goal",)
    if database.is_sqlite:
        check = (
            "CONSTRAINT ck_appliances_goal CHECK (goal IN (''running'', ''stopped'', ''deleted''))"
        )
        statements = edit("appliances", f"{check}, ", "")
    assert change(database, *statements) == ["constraint appliances.ck_appliances_goal is missing"]


def test_a_check_that_allows_more(database: Database) -> None:
    check = "CHECK (overflow IN ('never', 'ask', 'auto', 'always'))"
    statements: Sequence[str] = (
        "ALTER TABLE subscriptions DROP CONSTRAINT ck_subscriptions_overflow",
        f"ALTER TABLE subscriptions ADD CONSTRAINT ck_subscriptions_overflow {check}",
    )
    if database.is_sqlite:
        statements = edit("subscriptions", "''auto''", "''auto'', ''always''")
    (told,) = change(database, *statements)
    assert "constraint subscriptions.ck_subscriptions_overflow should be " in told


@pytest.mark.parametrize(
    ("table", "column", "postgresql", "sqlite"),
    [
        ("users", "mail", "DROP NOT NULL", ("mail VARCHAR NOT NULL", "mail VARCHAR")),
        ("users", "mail", "TYPE varchar(9)", ("mail VARCHAR NOT", "mail VARCHAR(9) NOT")),
        ("installation", "renames", "DROP DEFAULT", ("DEFAULT ''0'' NOT", "NOT")),
    ],
)
def test_another_column(
    database: Database, table: str, column: str, postgresql: str, sqlite: tuple[str, str]
) -> None:
    statements: Sequence[str] = (f"ALTER TABLE {table} ALTER COLUMN {column} {postgresql}",)
    if database.is_sqlite:
        statements = edit(table, *sqlite)
    (told,) = change(database, *statements)
    assert f"column {table}.{column} should be " in told


def test_what_somebody_added(database: Database) -> None:
    told = change(
        database,
        "CREATE TABLE notes (note TEXT)",
        "ALTER TABLE organisations ADD COLUMN budget INTEGER",
        "CREATE INDEX ix_organisations_title ON organisations (title)",
    )
    assert told == [
        "column notes.note should not be there",
        "column organisations.budget should not be there",
        "index organisations.ix_organisations_title should not be there",
        "table notes should not be there",
    ]


def test_quotes_spaces_and_the_order_do_not_count(tmp_path) -> None:
    found = []
    for number, sql in enumerate(
        (
            "CREATE TABLE a (id INTEGER NOT NULL, b TEXT DEFAULT 'x,  y)', "
            "CONSTRAINT c UNIQUE (b))",
            'CREATE TABLE "a"\n("b" TEXT DEFAULT \'x,  y)\',id  INTEGER NOT NULL,\n'
            '\tCONSTRAINT "c" UNIQUE("b") )',
        )
    ):
        with opened(f"sqlite:///{tmp_path}/{number}.db") as database, database.writing() as session:
            session.execute(text(sql))
            found.append(structure.read(session.connection()))
    assert found[0] == found[1]
    assert found[0]["column a.b"] == "TEXT DEFAULT 'x,  y)'"
    assert found[0]["constraint a.c"] == "UNIQUE ( b )"


def test_looking_leaves_nothing_behind(database: Database) -> None:
    def everything() -> structure.Structure:
        with database.reading() as session:
            return structure.read(session.connection())

    before = everything()
    assert schema.differences(database) == []
    assert everything() == before
    if not database.is_sqlite:
        with database.reading() as session:
            schemas = session.execute(text("SELECT nspname FROM pg_namespace"))
            assert not [name for (name,) in schemas if name.startswith("cloudhands_check")]


def test_who_may_make_no_schema_is_told_what_to_grant(
    postgresql_server: PostgreSQL, postgresql_url: str
) -> None:
    with opened(postgresql_url) as database:
        with database.writing() as session:
            session.execute(text("CREATE ROLE weak LOGIN"))
        try:
            with (
                opened(postgresql_url.replace("cloudhands@", "weak@")) as theirs,
                pytest.raises(DatabaseError, match=r"GRANT CREATE ON DATABASE \w+ TO weak"),
            ):
                schema.differences(theirs)
        finally:
            with database.writing() as session:
                session.execute(text("DROP ROLE weak"))
