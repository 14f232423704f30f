"""`cloud-admin db move`: what happens in its middle leaves all of it or nothing."""

import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing

import pytest
from sqlalchemy import text

from cloudhands.common import moved
from cloudhands.common.service import EXIT_INTERRUPTED
from cloudhands.ops.admin import moving as admin_moving
from cloudhands.ops.moving import copying
from cloudhands.ops.testing_move import rows_of, untouched


def telling(monkeypatch, interrupt):
    """Have something happen when the copy is at the nodes, which is in its middle."""

    def tell(table, done, total):
        if table == "nodes":
            interrupt()

    monkeypatch.setattr(admin_moving, "telling", lambda: tell)


def test_nobody_writes_meanwhile(admin, source, target, target_url, monkeypatch, tmp_path):
    def write():
        file = tmp_path / "cloudhands.db"
        with (
            closing(sqlite3.connect(file, timeout=0)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("UPDATE organisations SET title = 'changed'")

    telling(monkeypatch, write)
    before = source.rows()
    assert admin("db", "move", target_url) == 0
    assert rows_of(target) == before


def test_a_target_that_drops_the_connection(admin, source, target, target_url, monkeypatch, capsys):
    before = source.rows()

    def drop():
        with target.writing() as session:
            session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )

    telling(monkeypatch, drop)
    assert admin("db", "move", target_url) == 2
    told = capsys.readouterr().err
    assert target.address in told
    assert "Does the server run" in told
    assert told.count("\n") == 1
    untouched(source, before, target)


def test_killed_in_the_middle(source, target, target_url, tmp_path, admin):
    before = source.rows()
    script = f"""
        import os, signal
        from pathlib import Path
        from cloudhands.common import clock
        from cloudhands.common.db import opened
        from cloudhands.ops import moving

        def tell(table, done, total):
            if table == "nodes":
                os.kill(os.getpid(), signal.SIGKILL)

        with opened("sqlite:///{tmp_path}/cloudhands.db") as old, opened("{target_url}") as new:
            moving.move(old, Path("{tmp_path}/server.key"), new, clock.now(), tell)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    untouched(source, before, target)
    assert admin("db", "move", target_url) == 0
    assert rows_of(target) == before


def test_ended_between_the_two_commits(admin, source, target, target_url, monkeypatch, capsys):
    """Both can be used then; the next try says where the rows are."""
    before = source.rows()

    def end(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(moved, "mark", end)
        assert admin("db", "move", target_url) == EXIT_INTERRUPTED
    assert rows_of(target) == before
    assert source.rows() == before
    assert admin("db", "move", target_url) == 1
    told = capsys.readouterr().err
    assert f"every row is there already: set database.url to {target.address}" in told


def test_a_source_that_cannot_be_marked(admin, source, target, target_url, monkeypatch, capsys):
    before = source.rows()

    def full(session, address):
        session.execute(text("PRAGMA max_page_count=1"))
        session.execute(text("CREATE TABLE x AS SELECT randomblob(100000)"))

    monkeypatch.setattr(moved, "mark", full)
    assert admin("db", "move", target_url) == 2
    told = capsys.readouterr().err
    assert f"every row is in {target.address} now, but" in told
    assert "put the old one away" in told
    assert rows_of(target) == before


def test_a_copy_that_is_not_the_same_is_not_kept(
    admin, source, target, target_url, monkeypatch, capsys
):
    before = source.rows()
    write = copying._write

    def forgetful(new, table, rows):
        other = {"title": "Other"} if table.name == "organisations" else {}
        write(new, table, [{**row, **other} for row in rows])

    monkeypatch.setattr(copying, "_write", forgetful)
    assert admin("db", "move", target_url) == 2
    assert "the copy is not what" in capsys.readouterr().err
    untouched(source, before, target)
