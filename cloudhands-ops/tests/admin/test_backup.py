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

from cloudhands.common import db, migrating, observing, revisions, schema
from cloudhands.common.service import EXIT_INTERRUPTED
from cloudhands.ops.admin.main import main
from cloudhands.ops.backup import postgresql

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
    capsys.readouterr()
    return run


@pytest.fixture
def empty_url(request, database_url, tmp_path):
    """Another database of the same kind, without any table."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server = request.getfixturevalue("postgresql_server")
    name = server.create()
    yield server.url(name)
    server.drop(name)


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
    with db.opened(database_url) as database:
        oldest_code = schema.state(database).oldest_code
    with db.opened(database_url) as database, database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        session.execute(text("UPDATE compatibility SET oldest_code = '9999'"))
    assert full("db", "backup", "--to", make(saved)) == 0
    with db.opened(database_url) as database, database.writing() as session:
        session.execute(text(f"UPDATE alembic_version SET version_num = '{revisions.newest()}'"))
        session.execute(text(f"UPDATE compatibility SET oldest_code = '{oldest_code}'"))
    assert full("db", "restore", saved, "--force") == 2
    assert "newer release" in capsys.readouterr().err
    assert rows(database_url) == before
    assert not is_observing(database_url)


def older(database_url, revision):
    """A database as an older release made it, with an organisation's row in it."""
    with db.opened(database_url) as database, database.writing() as session:
        migrating.migrate(session.connection(), None, revision)


def test_a_backup_of_an_older_release_is_upgraded(full, empty_url, admin_of, saved, capsys):
    """Over a newer database, whose newer tables must not be in the way."""
    older(empty_url, "0004")
    old = admin_of(empty_url)
    assert old("db", "backup", "--to", make(saved)) == 0
    assert full("db", "restore", saved, "--force") == 0, capsys.readouterr().err
    assert full("db", "check") == 0, capsys.readouterr().err


def test_what_is_another_programs_database_changes_nothing(full, database_url, tmp_path, capsys):
    before = rows(database_url)
    foreign = tmp_path / "foreign"
    with closing(sqlite3.connect(foreign)) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('0005')")
        connection.execute("CREATE TABLE compatibility (id INTEGER, oldest_code TEXT)")
        connection.execute("CREATE TABLE installation (id INTEGER, uuid TEXT, observing INTEGER)")
    assert full("db", "restore", foreign, "--force") == 2
    assert str(foreign) in capsys.readouterr().err
    assert rows(database_url) == before


def test_a_foreign_dump_of_postgresql_changes_nothing(
    postgresql_server, postgresql_url, admin_of, saved, capsys
):
    foreign = postgresql_server.create()
    try:
        with db.opened(postgresql_server.url(foreign)) as database, database.writing() as session:
            session.execute(text("CREATE TABLE alembic_version (number INTEGER)"))
        make(saved)
        with db.opened(postgresql_server.url(foreign)) as database:
            postgresql.dump(database, saved)
    finally:
        postgresql_server.drop(foreign)
    before = rows(postgresql_url)
    assert admin_of(postgresql_url)("db", "restore", saved, "--force") == 2
    assert "version_num" in capsys.readouterr().err
    assert rows(postgresql_url) == before


def test_whoever_dies_after_the_restore_itself_leaves_it_observing(
    full, database_url, saved, monkeypatch
):
    with db.opened(database_url) as database, database.writing() as session:
        session.execute(text("DELETE FROM installation"))
    assert full("db", "backup", "--to", make(saved)) == 0

    def dies(*arguments):
        raise KeyboardInterrupt

    if not database_url.startswith("sqlite"):  # there it is prepared before, aside
        monkeypatch.setattr(schema, "upgradable", dies)
        assert full("db", "restore", saved, "--force") == EXIT_INTERRUPTED
    else:
        assert full("db", "restore", saved, "--force") == 0
    assert is_observing(database_url)


def test_other_tables_that_refer_to_ours_do_not_hinder(postgresql_url, admin_of, saved, capsys):
    run = admin_of(postgresql_url)
    assert run("db", "backup", "--to", make(saved)) == 0
    with db.opened(postgresql_url) as database, database.writing() as session:
        session.execute(text("CREATE TABLE later (touch INTEGER REFERENCES touches (id))"))
    assert run("db", "restore", saved, "--force") == 0, capsys.readouterr().err
    assert run("db", "check") == 0


def test_a_damaged_database_is_replaced_and_kept(upgraded, tmp_path, saved, capsys):
    file = tmp_path / "cloudhands.db"
    assert upgraded("db", "backup", "--to", make(saved)) == 0
    file.write_bytes(b"not a database any more" * 1000)
    assert upgraded("db", "restore", saved, "--force") == 0, capsys.readouterr().err
    assert upgraded("db", "check") == 0
    assert (tmp_path / "cloudhands.db.damaged").read_bytes().startswith(b"not a database")


def test_a_backup_with_other_pages_is_restored(upgraded, tmp_path, saved, capsys):
    assert upgraded("db", "backup", "--to", make(saved)) == 0
    with closing(sqlite3.connect(saved, isolation_level=None)) as connection:
        connection.execute("PRAGMA page_size=8192")
        connection.execute("VACUUM")
    assert upgraded("db", "restore", saved, "--force") == 0, capsys.readouterr().err
    assert upgraded("db", "check") == 0


@pytest.mark.parametrize("name", ["cloudhands.db", "cloudhands.db-wal", "link"])
def test_a_backup_never_overwrites_the_database_itself(upgraded, tmp_path, capsys, name):
    (tmp_path / "link").symlink_to(tmp_path / "cloudhands.db")
    assert upgraded("db", "backup", "--to", tmp_path / name, "--force") == 1
    assert "is the database itself" in capsys.readouterr().err
    assert upgraded("db", "check") == 0


def test_a_backup_of_nothing_is_refused(admin, saved, capsys):
    assert admin("db", "backup", "--to", make(saved)) == 2
    assert "there are no tables of cloudhands" in capsys.readouterr().err
    assert not saved.exists()


def test_a_password_is_in_no_answer_and_no_argument(postgresql_url, admin_of, saved, capsys):
    url = f"{postgresql_url}&password=hunter2"
    run = admin_of(url)
    for arguments in (("db", "current"), ("db", "backup", "--to", make(saved)), ("db", "check")):
        assert run(*arguments) == 0
        assert "hunter2" not in "".join(capsys.readouterr())
    with db.opened(url) as database:
        assert "hunter2" not in postgresql._address(database)
        assert postgresql._environment(database)["PGPASSWORD"] == "hunter2"


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
    assert run("user", "create", "bob", "--name", "Bob", "--mail", "bob@example.org") == 0
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
