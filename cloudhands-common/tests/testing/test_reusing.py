from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import select, text

from cloudhands.common import schema
from cloudhands.common.testing.databases import short_lived
from cloudhands.common.testing.factories import Factory
from cloudhands.common.testing.postgresql import TEMPLATE, PostgreSQL
from cloudhands.common.testing.reusing import Reused


@pytest.fixture
def reused(postgresql_server: PostgreSQL) -> Iterator[Reused]:
    return Reused(postgresql_server, postgresql_server.url(TEMPLATE))


def contents(url):
    """Every row of every table."""
    with short_lived(url) as database, database.reading() as session:
        schema.check(database)
        tables = schema.METADATA.sorted_tables
        return {table.name: session.execute(select(table)).all() for table in tables}


def fill(url):
    """Write what tests write; returns the number that a new row got."""
    with short_lived(url) as database, database.writing() as session:
        make = Factory(session)
        organisation = make.organisation()
        return make.appliance(organisation, make.member(organisation)).id


def test_the_next_test_finds_the_rows_and_numbers_that_the_first_one_found(reused):
    with reused.url() as first:
        before = contents(first)
        number = fill(first)
    with reused.url() as second:
        assert second == first
        assert contents(second) == before
        assert fill(second) == number


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE touches DISABLE TRIGGER USER",
        "ALTER TABLE users DROP COLUMN mail",
        "CREATE TABLE more (id integer)",
        "TRUNCATE messages",
    ],
)
def test_a_changed_structure_costs_a_new_copy(reused, statement):
    with reused.url() as first:
        before = contents(first)
        with psycopg.connect(first.replace("+psycopg", "")) as connection:
            connection.execute(statement)
    with reused.url() as second:
        assert second != first
        assert contents(second) == before


def test_a_dropped_one_costs_a_new_copy(reused, postgresql_server):
    with reused.url() as first:
        postgresql_server.drop(first.partition("?")[0].rpartition("/")[2])
    with reused.url() as second:
        assert second != first
        assert fill(second)


def test_what_a_test_left_connected_hinders_nobody(reused):
    with reused.url() as first:
        left = psycopg.connect(first.replace("+psycopg", ""))
        left.execute("LOCK TABLE users")
    with reused.url() as second, short_lived(second) as database, database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM users")).scalar_one() == 0
    with pytest.raises(psycopg.OperationalError):
        left.execute("SELECT 1")
    left.close()
