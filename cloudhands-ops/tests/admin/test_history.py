"""`cloud-admin history`: what happened to something."""

import json
from uuid import uuid4

import pytest
from sqlalchemy import select

from cloudhands.common import db
from cloudhands.common.organisation.tables import Organisation


@pytest.fixture
def organisation(upgraded, tmp_path, capsys):
    """The id of an organisation that an operator made."""
    assert upgraded("user", "create", "pi", "--name", "Ada", "--mail", "pi@example.org") == 0
    assert upgraded("org", "create", "eo", "--title", "Earth", "--admin", "pi") == 0
    capsys.readouterr()
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
