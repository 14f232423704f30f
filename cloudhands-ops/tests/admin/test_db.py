"""`cloud-admin db`: which revision the database has, and whether it is whole."""

import json
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import text

from cloudhands.common import db, revisions
from cloudhands.ops.admin.main import main


@pytest.fixture
def file(tmp_path):
    return tmp_path / "cloudhands.db"


@pytest.fixture
def sql(file):
    """Does something behind our back."""

    def run(*statements):
        with closing(sqlite3.connect(file)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    return run


def test_the_revision_is_told(upgraded, file, capsys):
    assert upgraded("db", "current") == 0
    told = capsys.readouterr().out
    assert f"{file} is at revision {revisions.newest()}." in told
    assert "This release runs on it." in told
    assert upgraded("db", "current", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "database": f"sqlite:///{file}",
        "revision": revisions.newest(),
        "newest": revisions.newest(),
        "oldest_code": "0007",
        "oldest_code_after": "0007",
        "usable": True,
    }


def test_a_database_without_tables_tells_what_to_do(admin, capsys):
    assert admin("db", "current") == 0
    assert "Next: the database is at revision none" in capsys.readouterr().out
    assert admin("db", "check") == 2
    assert "cloud-admin db upgrade" in capsys.readouterr().err


def test_a_whole_database(upgraded, file, capsys):
    assert upgraded("db", "check") == 0
    assert "is whole, and at revision" in capsys.readouterr().out


def test_a_table_that_somebody_changed(upgraded, sql, capsys):
    sql("ALTER TABLE organisations ADD COLUMN budget INTEGER")
    assert upgraded("db", "check") == 2
    assert "budget" in capsys.readouterr().err


def test_a_trigger_that_is_gone(upgraded, sql, capsys):
    sql("DROP TRIGGER touches_are_not_deleted")
    assert upgraded("db", "check") == 2
    told = capsys.readouterr().err
    assert "trigger touches.touches_are_not_deleted is missing" in told


def test_a_row_that_refers_to_nothing(upgraded, sql, capsys):
    sql(
        "INSERT INTO passwords (user_id, hash, set_at) VALUES (77, 'x', '2026-01-01 00:00:00')",
    )
    assert upgraded("db", "check") == 2
    told = capsys.readouterr().err
    assert "passwords, row 77: what it refers to in users is not there" in told


def test_a_damaged_index(upgraded, file, sql, capsys):
    sql(
        "INSERT INTO organisations (name, title, uuid, version,"
        " created_at) VALUES ('a', 'A', '00', 1, '2026-01-01 00:00:00')",
    )
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        query = "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_organisations_1'"
        ((page,),) = connection.execute(query)
        ((size,),) = connection.execute("PRAGMA page_size")
    content = bytearray(file.read_bytes())
    at = content.rindex(b"a", (page - 1) * size, page * size)
    content[at : at + 1] = b"z"
    file.write_bytes(content)
    assert upgraded("db", "check") == 2
    assert "damaged: " in capsys.readouterr().err


def test_a_rolled_back_release_runs_on_what_a_newer_one_added(upgraded, sql, capsys):
    sql("UPDATE alembic_version SET version_num = '9999'")
    assert upgraded("db", "check") == 0
    assert "is whole, and at revision 9999" in capsys.readouterr().out
    assert upgraded("db", "upgrade") == 2
    assert "which this release does not know" in capsys.readouterr().err
    sql("UPDATE compatibility SET oldest_code = '9999'")
    assert upgraded("db", "check") == 2
    assert "install the newer release" in capsys.readouterr().err


def test_on_either_database(config, database_url, capsys, monkeypatch):
    monkeypatch.setenv("CLOUDHANDS_DATABASE__URL", database_url)
    arguments = ["--config", str(config), "db"]
    assert main([*arguments, "check"]) == 0
    with db.opened(database_url) as database, database.writing() as session:
        session.execute(text("DROP INDEX ix_creations_made_at"))
    assert main([*arguments, "check"]) == 2
    assert "ix_creations_made_at" in capsys.readouterr().err


def test_upgrade_makes_the_tables_and_is_harmless_again(admin, tmp_path, capsys):
    assert admin("db", "upgrade", "--json") == 0
    first = json.loads(capsys.readouterr().out)
    assert admin("db", "upgrade", "--json") == 0
    assert json.loads(capsys.readouterr().out) == first
    with closing(sqlite3.connect(tmp_path / "cloudhands.db")) as connection:
        assert connection.execute("SELECT count(*) FROM appliances").fetchone() == (0,)


def test_upgrade_never_shows_the_databases_password(admin, capsys):
    assert admin("db", "upgrade") == 0
    url = "postgresql://cloudhands:hidden@127.0.0.1:1/cloudhands"
    assert main(["--set", f"database.url={url}", "db", "upgrade"]) == 2
    assert "hidden" not in capsys.readouterr().err
