"""The kinds of transaction, and what is left when a database is closed."""

from pathlib import Path

import pytest
from sqlalchemy import text

from cloudhands.common.db import Database, opened


@pytest.fixture
def file(tmp_path):
    return tmp_path / "rows.db"


def open_descriptors(file):
    """How many of this process are of a file, or of what SQLite keeps beside it."""
    found = 0
    for number in Path("/proc/self/fd").iterdir():
        try:
            found += str(number.readlink()).startswith(str(file))
        except FileNotFoundError:
            continue  # it was for listing them
    return found


def test_a_look_sees_the_last_commit_and_begins_nothing(file):
    database = Database(f"sqlite:///{file}")
    with database.writing() as session:
        session.execute(text("CREATE TABLE things (name TEXT)"))
    with database.looking() as look:
        count = text("SELECT count(*) FROM things")
        assert look.execute(count).scalar() == 0
        with database.writing() as session:
            session.execute(text("INSERT INTO things VALUES ('one')"))
        assert look.execute(count).scalar() == 1
        assert not look.connection.driver_connection.in_transaction
    database.close()


def test_whoever_looks_has_the_same_rules_as_whoever_writes(file):
    database = Database(f"sqlite:///{file}")
    with database.looking() as look:
        for pragma, value in (("foreign_keys", 1), ("busy_timeout", 10_000), ("synchronous", 2)):
            assert look.execute(text(f"PRAGMA {pragma}")).scalar() == value
    database.close()


def test_a_closed_database_holds_no_file_also_when_it_was_used_again(file):
    database = Database(f"sqlite:///{file}")
    for _ in range(2):
        with database.writing() as session, database.looking() as look:
            session.execute(text("SELECT 1"))
            look.execute(text("SELECT 1"))
        assert open_descriptors(file) > 0
        database.close()
        assert open_descriptors(file) == 0


@pytest.mark.parametrize(("configured", "used"), [("4", "1.1"), ("2.5", "2.5")])
def test_postgresql_reckons_with_quick_reads_unless_told_otherwise(
    postgresql_url, configured, used
):
    with opened(postgresql_url) as database, database.writing() as session:
        name = database.engine.url.database
        session.execute(text(f"ALTER DATABASE {name} SET random_page_cost TO {configured}"))
    with opened(postgresql_url) as database:
        for transaction in (database.reading, database.writing, database.looking):
            with transaction() as connection:
                assert connection.scalar(text("SHOW random_page_cost")) == used
