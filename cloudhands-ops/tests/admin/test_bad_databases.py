"""Databases that cannot be used: one line that names it and the remedy, and nothing is changed."""

import io
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from cloudhands.burst.main import main as burst
from cloudhands.common import db
from cloudhands.common.actor.queries import user_by_uid
from cloudhands.common.errors import DatabaseError
from cloudhands.common.testing.databases import short_lived
from cloudhands.common.testing.programs import require
from cloudhands.ops.admin.main import main as admin
from cloudhands.ops.testing_admin import PASSWORD, PI
from cloudhands.web.serve import main as serve

SIGNALS = (signal.SIGTERM, signal.SIGINT)
PROGRAMS = {
    "cloud-admin": (admin, [*PI, "--password-stdin"]),
    "cloud-burst": (burst, ["--once"]),
    "cloud-serve": (serve, []),
}


@pytest.fixture(params=PROGRAMS)
def program(request, config, monkeypatch):
    """Runs a program in this process, until it finds that it cannot; returns its exit status."""
    main, argv = PROGRAMS[request.param]
    before = [(number, signal.getsignal(number)) for number in SIGNALS]
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    yield lambda: main(["--config", str(config), *argv])
    for number, handler in before:
        signal.signal(number, handler)


@pytest.fixture
def file(sqlite_url):
    return Path(sqlite_url.removeprefix("sqlite:///"))


@pytest.fixture
def refused(capsys):
    """That something ended with 2 and one line, which has these words."""

    def check(status, *words):
        said = capsys.readouterr().err
        assert status == 2, said
        assert said.count("\n") == 1, said
        for word in words:
            assert str(word) in said

    return check


# --- SQLite --------------------------------------------------------------------------------------


@pytest.mark.parametrize("locked", ["the file", "the folder"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_what_this_user_may_not_write(config, file, tmp_path, name, locked):
    """Root may write everywhere, unless it gives that up."""
    folder = tmp_path / "own"
    folder.mkdir()
    copy = Path(shutil.copy(file, folder / "cloudhands.db"))
    before = copy.read_bytes()
    argv = [Path(sys.executable).with_name(name), "--config", config, *PROGRAMS[name][1]]
    if os.geteuid() == 0:
        argv = [require("setpriv", "util-linux"), "--bounding-set=-all", "--inh-caps=-all", *argv]
    place = copy if locked == "the file" else folder
    mode = place.stat().st_mode
    place.chmod(mode & ~0o222)
    try:
        ended = subprocess.run(
            argv,
            env={**os.environ, "CLOUDHANDS_DATABASE__URL": f"sqlite:///{copy}"},
            input=f"{PASSWORD}\n",
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    finally:
        place.chmod(mode)
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.count("\n") == 1
    assert f"{name}: database " in ended.stderr
    assert str(copy) in ended.stderr
    assert "this user" in ended.stderr
    assert copy.read_bytes() == before


def test_what_is_no_file(program, config, tmp_path, refused, monkeypatch):
    for place in (tmp_path, Path("/proc/version"), Path("/proc/none/x.db"), config / "x.db"):
        monkeypatch.setenv("CLOUDHANDS_DATABASE__URL", f"sqlite:///{place}")
        refused(program(), place, "this user")


def test_a_full_disk(program, file, refused):
    before = rows(file)
    with full_disk():
        status = program()
    refused(status, file, "Is its disk full, or failing?")
    assert rows(file) == before


@contextmanager
def full_disk():
    """No file of this process can become longer than it is in the first place."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def rows(file):
    """All that an SQLite file holds, as SQL."""
    with closing(sqlite3.connect(file)) as connection:
        return list(connection.iterdump())


def test_no_room_in_the_database(sqlite_url):
    with short_lived(sqlite_url) as database, pytest.raises(DatabaseError, match="Make room"):
        fill(database)


def fill(database):
    with db.explained(database), database.writing() as session:
        session.execute(text("PRAGMA max_page_count=1"))
        session.execute(text("CREATE TABLE x AS SELECT randomblob(100000)"))


@pytest.mark.parametrize("damage", ["header", "pages"])
def test_a_damaged_file(program, file, refused, damage):
    content = bytearray(file.read_bytes())
    start = 0 if damage == "header" else 4096
    content[start:] = b"\xa5" * (len(content) - start)
    file.write_bytes(content)
    refused(program(), file, "cloud-admin db restore BACKUP --force")
    assert file.read_bytes() == content


def test_a_file_that_is_cut_short(program, file, refused):
    content = file.read_bytes()[: file.stat().st_size // 3]
    file.write_bytes(content)
    refused(program(), file, "cloud-admin db restore BACKUP --force")
    assert file.read_bytes() == content


@pytest.mark.parametrize("command", [("check",), ("move", "postgresql://u@127.0.0.1:1/x")])
def test_a_damaged_page_that_nobody_reads_at_first(config, file, refused, command):
    with closing(sqlite3.connect(file)) as connection:
        query = "SELECT rootpage FROM sqlite_schema WHERE name = 'ssh_keys'"
        ((page,),) = connection.execute(query)
        ((size,),) = connection.execute("PRAGMA page_size")
    content = bytearray(file.read_bytes())
    content[(page - 1) * size : page * size] = b"\xa5" * size
    file.write_bytes(content)
    status = admin(["--config", str(config), "db", *command])
    refused(status, file, "cloud-admin db restore BACKUP --force")
    assert file.read_bytes() == content


# --- PostgreSQL ----------------------------------------------------------------------------------


def test_a_server_that_is_down(program, refused, monkeypatch):
    url = "postgresql://somebody:hidden@127.0.0.1:1/x"
    monkeypatch.setenv("CLOUDHANDS_DATABASE__URL", url)
    refused(program(), "somebody:***@127.0.0.1:1/x", "Does the server run")


def test_a_server_that_drops_the_connection_in_a_transaction(
    config, postgresql_url, refused, monkeypatch
):
    monkeypatch.setenv("CLOUDHANDS_DATABASE__URL", postgresql_url)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    with db.opened(postgresql_url) as database:

        def drop(session, context):
            with database.looking() as other:
                other.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                )

        event.listen(Session, "after_flush", drop)
        try:
            status = admin(["--config", str(config), *PI, "--password-stdin"])
        finally:
            event.remove(Session, "after_flush", drop)
        refused(status, database.address, "Does the server run")
        with database.reading() as session:
            assert user_by_uid(session, "pi") is None
