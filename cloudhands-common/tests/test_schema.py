import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from cloudhands.common import schema
from cloudhands.common.db import Database, opened
from cloudhands.common.errors import DatabaseError


def test_the_migrations_make_what_the_tables_say(database):
    with database.reading() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, schema.METADATA) == []


def test_upgrading_twice_changes_nothing(database):
    assert schema.upgrade(database) == schema.newest()
    schema.check(database)


def test_a_database_without_tables_is_refused(tmp_path):
    with (
        opened(f"sqlite:///{tmp_path}/new.db") as database,
        pytest.raises(DatabaseError, match="cloud-admin db upgrade"),
    ):
        schema.check(database)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense", "database.url is not usable"),
        ("oracle://x", "database.url is not usable"),
        ("", "database.url is not usable"),
    ],
)
def test_a_url_that_is_none(url, sentence):
    with pytest.raises(DatabaseError, match=sentence):
        Database(url)


def test_a_postgresql_that_is_down_is_named_without_its_password():
    with (
        opened("postgresql://somebody:secret@127.0.0.1:1/x") as database,
        pytest.raises(DatabaseError) as caught,
    ):
        schema.check(database)
    assert "127.0.0.1:1" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_not_a_database(tmp_path):
    file = tmp_path / "cloudhands.db"
    file.write_bytes(b"not a database" * 1000)
    with (
        opened(f"sqlite:///{file}") as database,
        pytest.raises(DatabaseError, match=r"cloudhands\.db"),
    ):
        schema.check(database)


def test_what_a_reading_session_changes_is_rolled_back(database):
    with database.reading() as session:
        session.execute(text("DELETE FROM alembic_version"))
    schema.check(database)


def test_a_new_sqlite_file_is_for_its_owner_and_group(tmp_path):
    file = tmp_path / "new" / "cloudhands.db"
    with opened(f"sqlite:///{file}") as database:
        schema.upgrade(database)
    assert file.stat().st_mode & 0o007 == 0
    assert file.parent.stat().st_mode & 0o007 == 0
