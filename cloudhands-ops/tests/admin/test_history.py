"""`cloud-admin history`: what happened to something."""

import json
import sqlite3
from contextlib import closing
from uuid import uuid4

import pytest
from sqlalchemy import select

from cloudhands.common import db
from cloudhands.common.organisation.tables import Organisation
from cloudhands.ops.testing_admin import PI, UPGRADE


@pytest.fixture
def organisation(admin_after, tmp_path):
    """The id of an organisation that an operator made."""
    admin_after(UPGRADE, PI, ("org", "create", "eo", "--title", "Earth", "--admin", "pi"))
    with (
        db.opened(f"sqlite:///{tmp_path}/cloudhands.db") as database,
        database.reading() as session,
    ):
        return session.scalars(select(Organisation.uuid)).one()


def test_what_happened_to_an_organisation(upgraded, organisation, capsys):
    assert upgraded("history", "show", organisation) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert " UTC  cloud-admin " in line
    assert upgraded("history", "show", organisation, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["uuid"] == str(organisation)
    (event,) = told["history"]
    assert event["who"] == "cloud-admin"
    assert event["why"] in line


def test_what_is_not_known_is_refused(upgraded, capsys):
    unknown = uuid4()
    assert upgraded("history", "show", unknown) == 1
    assert f"nothing is known of {unknown}" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("nonsense",), (uuid4(), "--limit", "0"), ()])
def test_wrong_arguments(upgraded, arguments):
    with pytest.raises(SystemExit) as end:
        upgraded("history", "show", *arguments)
    assert end.value.code == 2


def test_what_was_written_is_verified(upgraded, organisation, capsys):
    assert upgraded("history", "verify") == 0
    out = capsys.readouterr().out
    assert " are as they were written" in out
    assert "Next: cloud-admin history checkpoint" in out
    assert upgraded("history", "verify", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["findings"] == []
    assert told["rows"] >= 3


def test_what_was_changed_is_named_with_an_exit_status(upgraded, organisation, tmp_path, capsys):
    with closing(sqlite3.connect(tmp_path / "cloudhands.db")) as connection:
        connection.execute("DROP TRIGGER touch_texts_are_only_erased")
        connection.execute("UPDATE touch_texts SET why = 'nothing' WHERE touch_id = 1")
        connection.commit()
    assert upgraded("history", "verify") == 1
    said = capsys.readouterr()
    assert "row 1 (touch 1) had its text changed" in said.out
    assert "1 findings" not in said.err
    assert "1 finding in" in said.err
    assert upgraded("history", "verify", "--json") == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["touch"], finding["number"]) == (1, 1)


def test_a_checkpoint_is_verified_later(upgraded, organisation, tmp_path, capsys):
    assert upgraded("history", "checkpoint") == 0
    kept, _, later = capsys.readouterr().out.splitlines()
    assert kept in later
    assert upgraded("user", "create", "bob", "--name", "Bob", "--mail", "bob@example.org") == 0
    assert upgraded("history", "verify", "--checkpoint", kept) == 0
    number, _, digest = kept.partition(":")
    other = f"{number}:{digest[::-1]}"
    capsys.readouterr()
    assert upgraded("history", "verify", "--checkpoint", other) == 1
    assert f"up to touch {number}" in capsys.readouterr().out
    assert upgraded("history", "verify", "--checkpoint", "nonsense") == 1
    assert "NUMBER:HEX" in capsys.readouterr().err


def test_a_lost_key_file_is_named(upgraded, organisation, tmp_path, capsys):
    (tmp_path / "server.key").unlink()
    assert upgraded("history", "verify") == 2
    err = capsys.readouterr().err
    assert f"key_file {tmp_path / 'server.key'} is not there" in err
    assert "Restore it from the backup" in err
    assert not (tmp_path / "server.key").exists()


def test_an_erased_user_leaves_a_whole_history(upgraded, organisation, tmp_path, capsys):
    with pytest.raises(SystemExit):
        upgraded("user", "erase", "pi")  # without --yes
    assert upgraded("user", "erase", "pi", "--yes", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["erased_texts"] == 1
    assert upgraded("history", "show", told["uuid"]) == 0
    assert "(erased)" in capsys.readouterr().out
    assert upgraded("history", "verify") == 0
    assert "the text of 1 was erased" in capsys.readouterr().out
    assert upgraded("user", "erase", "pi", "--yes") == 1
    assert "no user pi" in capsys.readouterr().err
    assert b"Ada" not in (tmp_path / "cloudhands.db").read_bytes()
