"""`cloud-admin db backup` and `restore`, of SQLite and of PostgreSQL, whole or not at all."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from cloudhands.common import db, observing, schema
from cloudhands.common.actor.commands import installation
from cloudhands.ops.admin.main import main

CLOUD_ADMIN = Path(sys.executable).with_name("cloud-admin")


@pytest.fixture
def admin_of(config, monkeypatch):
    """`cloud-admin` on a database of the given URL."""

    def of(url):
        def run(*argv):
            monkeypatch.setenv("CLOUDHANDS_DATABASE__URL", url)
            return main(["--config", str(config), *map(str, argv)])

        return run

    return of


@pytest.fixture
def full(admin_of, database_url, capsys):
    """One on a database with an organisation in it."""
    run = admin_of(database_url)
    assert run("catalogue", "load") == 0
    assert run("user", "create", "pi", "--name", "Ada", "--mail", "pi@example.org") == 0
    assert run("org", "create", "eo", "--title", "Earth", "--admin", "pi") == 0
    with db.opened(database_url) as database, database.writing() as session:
        installation(session)
    capsys.readouterr()
    return run


@pytest.fixture
def saved(tmp_path):
    return tmp_path / "backups" / "today"


def rows(url):
    """Everything that is in a database, except whether cloud-burst observes."""
    found = {}
    with db.opened(url) as database, database.reading() as session:
        for table in schema.METADATA.sorted_tables:
            columns = ", ".join(f'"{c.name}"' for c in table.columns if c.name != "observing")
            found[table.name] = sorted(
                map(repr, session.execute(text(f"SELECT {columns} FROM {table.name}")))
            )
    return found


def is_observing(url):
    with db.opened(url) as database, database.reading() as session:
        return observing.is_on(session)


def make(saved):
    saved.parent.mkdir()
    return saved


def test_a_backup_is_restored_and_nothing_else(full, database_url, saved, capsys):
    assert full("db", "backup", "--to", make(saved)) == 0
    told = capsys.readouterr().out
    assert f"{saved.stat().st_size:,} bytes" in told
    assert database_url not in told or "@" not in database_url
    assert [file.name for file in saved.parent.iterdir()] == ["today"]
    assert saved.stat().st_mode & 0o077 == 0
    before = rows(database_url)
    assert full("user", "create", "eve", "--name", "Eve", "--mail", "eve@example.org") == 0
    assert rows(database_url) != before
    assert full("db", "restore", saved, "--force") == 0
    told = capsys.readouterr().out
    assert "cloud-burst only observes. Next: compare" in told
    assert rows(database_url) == before
    assert is_observing(database_url)
    assert full("db", "check") == 0


def test_resuming_ends_the_observing_once(full, database_url, saved, capsys):
    assert full("db", "backup", "--to", make(saved)) == 0
    assert full("db", "restore", saved, "--force") == 0
    capsys.readouterr()
    assert full("burst", "resume", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"was_observing": True}
    assert not is_observing(database_url)
    assert full("burst", "resume") == 0
    assert "nothing changed" in capsys.readouterr().out


def test_a_database_is_not_overwritten_without_force(full, database_url, saved, capsys):
    assert full("db", "backup", "--to", make(saved)) == 0
    before = rows(database_url)
    assert full("db", "restore", saved) == 1
    assert "add --force" in capsys.readouterr().err
    assert rows(database_url) == before
    assert not is_observing(database_url)


def test_a_file_is_not_overwritten_without_force(full, saved, capsys):
    make(saved).write_text("precious", encoding="utf-8")
    assert full("db", "backup", "--to", saved) == 1
    assert "is there already" in capsys.readouterr().err
    assert saved.read_text(encoding="utf-8") == "precious"
    assert full("db", "backup", "--to", saved, "--force") == 0
    assert saved.stat().st_size > 100


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_backup_that_is_cut_short_changes_nothing(full, database_url, saved, capsys, share):
    assert full("db", "backup", "--to", make(saved)) == 0
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * share)])
    before = rows(database_url)
    capsys.readouterr()
    assert full("db", "restore", saved, "--force") == 2
    assert capsys.readouterr().err.strip()
    assert rows(database_url) == before
    assert not is_observing(database_url)


def test_what_is_no_backup_changes_nothing(full, database_url, saved, capsys):
    before = rows(database_url)
    for content in (b"nonsense" * 1000, b""):
        saved.parent.mkdir(exist_ok=True)
        saved.write_bytes(content)
        assert full("db", "restore", saved, "--force") == 2
    assert full("db", "restore", saved.parent / "absent", "--force") == 2
    assert "absent is not there" in capsys.readouterr().err
    assert rows(database_url) == before


def test_a_backup_of_a_newer_release_changes_nothing(full, database_url, saved, capsys):
    before = rows(database_url)
    with db.opened(database_url) as database, database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        session.execute(text("UPDATE compatibility SET oldest_code = '9999'"))
    assert full("db", "backup", "--to", make(saved)) == 0
    with db.opened(database_url) as database, database.writing() as session:
        session.execute(text(f"UPDATE alembic_version SET version_num = '{schema.newest()}'"))
        session.execute(text("UPDATE compatibility SET oldest_code = '0003'"))
    assert full("db", "restore", saved, "--force") == 2
    assert "newer release" in capsys.readouterr().err
    assert rows(database_url) == before
    assert not is_observing(database_url)


def test_a_folder_that_is_not_there_is_named(full, saved, capsys):
    assert full("db", "backup", "--to", saved) == 2
    assert f"{saved} cannot be written" in capsys.readouterr().err


def test_an_empty_database_takes_a_backup_without_force(upgraded, tmp_path, saved, capsys):
    assert upgraded("db", "backup", "--to", make(saved)) == 0
    elsewhere = ("--set", f"state={tmp_path / 'elsewhere'}")
    assert upgraded(*elsewhere, "db", "restore", saved) == 0
    assert upgraded(*elsewhere, "db", "check") == 0


def test_a_backup_is_one_moment_of_a_database_in_use(config, sqlite_url, admin_of, saved):
    """Two rows are always changed together."""
    run = admin_of(sqlite_url)
    file = sqlite_url.removeprefix("sqlite:///")
    stop = threading.Event()

    def write():
        with closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as connection:
            number = 0
            while not stop.is_set():
                number += 1
                connection.execute("BEGIN IMMEDIATE")
                for name in ("a", "b"):
                    connection.execute("UPDATE pair SET number = ? WHERE name = ?", (number, name))
                connection.execute("COMMIT")

    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE pair (name TEXT, number INTEGER)")
        connection.execute("INSERT INTO pair VALUES ('a', 0), ('b', 0)")
    writer = threading.Thread(target=write)
    writer.start()
    try:
        time.sleep(0.1)
        assert run("db", "backup", "--to", make(saved)) == 0
    finally:
        stop.set()
        writer.join(30)
    with closing(sqlite3.connect(saved)) as connection:
        ((first,), (second,)) = connection.execute("SELECT number FROM pair")
    assert first == second > 0


def test_a_killed_restore_leaves_one_database_or_the_other(
    config, sqlite_url, admin_of, saved, tmp_path
):
    run, again = admin_of(sqlite_url), tmp_path / "again"
    with db.opened(sqlite_url) as database, database.writing() as session:
        installation(session)
    old = rows(sqlite_url)
    assert run("db", "backup", "--to", make(saved)) == 0
    assert run("user", "create", "eve", "--name", "Eve", "--mail", "eve@example.org") == 0
    new = rows(sqlite_url)
    assert run("db", "backup", "--to", again) == 0
    argv = [CLOUD_ADMIN, f"--config={config}", "db", "restore", saved, "--force"]
    for moment in (0.9, 1.0, 1.1, 1.2, 1.3, 1.4):
        process = subprocess.Popen(argv, env={**os.environ, "CLOUDHANDS_DATABASE__URL": sqlite_url})
        time.sleep(moment)
        process.kill()
        process.wait()
        assert rows(sqlite_url) in (old, new)
        assert run("db", "restore", again, "--force") == 0
        assert rows(sqlite_url) == new
    assert run("db", "check") == 0
