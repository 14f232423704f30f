"""`cloud-admin db move`: what is refused, and the mark that it leaves."""

import re
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update

from cloudhands.common import append_only, clock, db, migrating
from cloudhands.common.appliance.queries import by_uuid
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.errors import DatabaseError
from cloudhands.common.history import TouchText
from cloudhands.common.settings import Settings
from cloudhands.ops.admin.main import main
from cloudhands.ops.testing_move import rows_of, tables_of, untouched
from cloudhands.web import serve


def test_a_target_that_is_not_empty(admin, source, postgresql_url, capsys):
    before = source.rows()
    for force in ((), ("--force",)):
        assert admin("db", "move", postgresql_url, *force) == 1
        told = capsys.readouterr().err
        assert "is not empty (it has actors, addresses, alembic_version and" in told
        assert "make an empty database" in told
    assert source.rows() == before


def test_a_source_that_is_not_upgraded(config, tmp_path, target, target_url, capsys):
    with db.opened(f"sqlite:///{tmp_path}/cloudhands.db") as old, old.writing() as session:
        migrating.migrate(session.connection(), None, "0005")
    assert main(["--config", str(config), "db", "move", target_url]) == 2
    assert "run 'cloud-admin db upgrade'" in capsys.readouterr().err
    assert tables_of(target) == []


@pytest.mark.parametrize("sql", [
    "UPDATE alembic_version SET version_num = '9999'",
    "ALTER TABLE organisations ADD COLUMN budget INTEGER",
    "INSERT INTO passwords (user_id, hash, set_at) VALUES (77, 'x', '2026-01-01 00:00:00')",
])  # fmt: skip
def test_a_source_with_more_than_this_release_knows_or_less(
    admin, sqlite_url, tmp_path, target, target_url, capsys, sql
):
    with closing(sqlite3.connect(tmp_path / "cloudhands.db")) as connection, connection:
        connection.execute(sql)
    assert admin("db", "move", target_url) == 2
    assert re.search(r"9999|budget|passwords, row 77", capsys.readouterr().err)
    assert tables_of(target) == []


def test_a_source_on_postgresql(admin, postgresql_url, target_url, monkeypatch, capsys):
    monkeypatch.setenv("CLOUDHANDS_DATABASE__URL", postgresql_url)
    assert admin("db", "move", target_url) == 1
    assert "use cloud-admin db backup and restore" in capsys.readouterr().err


def test_a_database_that_was_moved_is_used_no_more(
    admin, source, target, target_url, tmp_path, capsys
):
    assert admin("db", "move", target_url) == 0
    capsys.readouterr()
    for argv in (
        ("db", "move", target_url),
        ("db", "check"),
        ("user", "create", "eve", "--name", "Eve", "--mail", "eve@example.org"),
    ):
        assert admin(*argv) == 2
        told = capsys.readouterr().err
        assert f"were moved to {target.address}: set database.url" in told
        assert "db move --undo" in told
    assert admin("db", "current") == 0
    assert "were moved to" in capsys.readouterr().out
    with (
        pytest.raises(DatabaseError, match="were moved to"),
        serve.services(Settings(state=tmp_path), threading.Event()),
    ):
        pass
    argv = [Path(sys.executable).with_name("cloud-burst"), "--config", tmp_path / "cloudhands.toml"]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "cloud-burst: the rows of this database were moved to" in ended.stderr


def test_the_mark_can_be_taken_away(admin, source, target_url, capsys):
    before = source.rows()
    assert admin("db", "move", target_url) == 0
    assert admin("db", "move", "--undo") == 0
    assert "is used again" in capsys.readouterr().out
    assert admin("db", "check") == 0
    assert source.rows() == before
    assert admin("db", "move", "--undo") == 0
    assert "nothing changed" in capsys.readouterr().out


def test_a_backup_of_a_database_that_was_moved_can_be_used(admin, source, target_url, tmp_path):
    assert admin("db", "move", target_url) == 0
    assert admin("db", "backup", "--to", tmp_path / "saved") == 0
    assert admin("db", "restore", tmp_path / "saved", "--force") == 0
    assert admin("db", "check") == 0


def test_claims_that_are_held(admin, source, target, target_url, capsys):
    until = clock.now() + timedelta(minutes=5)
    with source.database.writing() as session:
        session.execute(update(Appliance).values(claim_until=until, claim_token="x"))
    before = source.rows()
    assert admin("db", "move", target_url) == 1
    told = capsys.readouterr().err
    assert "cloud-burst holds claims" in told
    assert "Stop cloud-serve and cloud-burst first" in told
    untouched(source, before, target)
    assert admin("db", "move", target_url, "--force") == 0
    assert rows_of(target) == before


def test_another_program_has_the_database_open(admin, source, target, target_url, capsys):
    before = source.rows()
    with source.database.reading() as session:
        session.execute(text("SELECT 1 FROM actors"))
        assert admin("db", "move", target_url) == 1
        assert "another program has sqlite:///" in capsys.readouterr().err
        assert tables_of(target) == []
        session.rollback()
        assert admin("db", "move", target_url, "--force") == 0
    assert rows_of(target) == before


def test_a_row_that_postgresql_does_not_take(admin, source, target, target_url, capsys):
    with source.database.writing() as session:
        by_uuid(session, source.appliance).label = "a\0b"
    before = source.rows()
    assert admin("db", "move", target_url) == 2
    told = capsys.readouterr().err
    assert re.search(r"appliances, id \d+: PostgreSQL does not take this row: .*NUL", told)
    assert "mend the row" in told
    untouched(source, before, target)


def test_a_history_that_was_changed(admin, source, target, target_url, capsys):
    with source.database.writing() as session:
        session.execute(text("DROP TRIGGER touch_texts_are_only_erased"))
        session.execute(text("UPDATE touch_texts SET why = 'nothing' WHERE touch_id = 1"))
        trigger = next(
            one
            for one in append_only.statements(TouchText.__table__, "sqlite")
            if "only_erased" in one
        )
        session.execute(text(trigger))
    before = source.rows()
    assert admin("db", "move", target_url) == 2
    told = capsys.readouterr().err
    assert "is not as it was written: nothing was moved" in told
    assert "(touch 1) had its text changed" in told
    untouched(source, before, target)


def test_a_lost_key_file(admin, source, target, target_url, tmp_path, capsys):
    before = source.rows()
    (tmp_path / "server.key").unlink()
    assert admin("db", "move", target_url) == 2
    assert "server.key is not there" in capsys.readouterr().err
    untouched(source, before, target)
