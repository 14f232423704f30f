import pytest
from sqlalchemy import text

from cloudhands.common import migrating, revisions, schema
from cloudhands.common.db import Database, opened
from cloudhands.common.errors import DatabaseError


def test_the_migrations_make_what_the_tables_say(database):
    assert schema.differences(database) == []


def test_a_table_that_somebody_changed_is_told(database):
    with database.writing() as session:
        session.execute(text("ALTER TABLE organisations ADD COLUMN budget INTEGER"))
        session.execute(text("DROP INDEX ix_creations_made_at"))
    told = "\n".join(schema.differences(database))
    assert "budget" in told
    assert "ix_creations_made_at" in told


def test_revisions_are_numbers_that_rise_by_one():
    scripts = migrating.scripts()
    revisions = [one.revision for one in reversed(list(scripts.walk_revisions()))]
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]


def test_the_names_of_the_files_tell_the_revisions_without_alembic():
    found = [one.revision for one in migrating.scripts().walk_revisions()]
    assert list(reversed(revisions.known())) == found


@pytest.mark.parametrize(
    ("found", "asked"), [(None, "0007"), ("0005", "0007"), ("0006", "0007"), ("0007", None)]
)
def test_what_code_an_upgrade_will_ask_for_is_known_before(found, asked):
    assert migrating.oldest_code_after(found) == asked


def test_what_a_newer_release_asks_for_stays(database):
    at_revision(database, "9999", "9998")
    assert schema.oldest_code_after(schema.state(database)) == "9998"


def at_revision(database, revision, oldest_code):
    """As a newer release would leave it."""
    with database.writing() as session:
        session.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))
        session.execute(text(f"UPDATE compatibility SET oldest_code = '{oldest_code}'"))


def test_a_release_that_was_rolled_back_runs_on_what_a_newer_one_added(database):
    at_revision(database, "9999", revisions.newest())
    schema.check(database)
    with pytest.raises(DatabaseError, match="there is nothing to upgrade"):
        schema.upgrade(database)
    assert schema.state(database).revision == "9999"


def test_a_release_that_a_newer_one_left_behind_is_refused(database):
    at_revision(database, "9999", "9998")
    with pytest.raises(DatabaseError, match="knows 9998 at least") as caught:
        schema.check(database)
    assert "install the newer release" in str(caught.value)


@pytest.mark.parametrize("revision", ["other", "0000abc", "00031", "99999x"])
def test_a_revision_that_is_none_of_ours_is_refused(database, revision):
    at_revision(database, revision, revisions.newest())
    with pytest.raises(DatabaseError, match=r"is none of ours|install the newer|does not know"):
        schema.check(database)
    with pytest.raises(DatabaseError, match="there is nothing to upgrade"):
        schema.upgrade(database)


def test_an_older_database_is_to_be_upgraded_whatever_it_says(database):
    at_revision(database, "0001", "0001")
    with pytest.raises(DatabaseError, match="cloud-admin db upgrade"):
        schema.check(database)


def test_upgrading_twice_changes_nothing(database):
    assert schema.upgrade(database) == revisions.newest()
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
