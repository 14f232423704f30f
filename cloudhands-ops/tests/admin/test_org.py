"""`cloud-admin org create`."""

import json

import pytest
from sqlalchemy import func, select

from cloudhands.common import history
from cloudhands.common.membership.queries import listed
from cloudhands.common.organisation.queries import by_name
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.queries import subscriptions_of
from cloudhands.ops.testing_admin import ORG


def count(session, model):
    return session.scalar(select(func.count()).select_from(model))


def test_an_organisation_has_subscriptions_and_an_administrator(with_pi, reading, capsys):
    assert with_pi(*ORG, "--limit", "7", "--overflow", "auto", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["appliances_limit"], told["providers"]) == (7, ["private", "public"])
    with reading() as session:
        organisation = by_name(session, "eo-group")
        (membership,) = listed(session, organisation.id)
        assert (membership.uid, membership.role, membership.state) == ("pi", "admin", "active")
        found = subscriptions_of(session, organisation.id)
        assert [(one.provider.name, one.overflow, one.state) for one in found] == [
            ("private", "auto", "unchecked"),
            ("public", "auto", "unchecked"),
        ]


def test_the_operator_is_who_did_it(with_pi, reading):
    assert with_pi(*ORG) == 0
    with reading() as session:
        (event,) = history.latest(session, by_name(session, "eo-group").uuid)
        assert event.who == "cloud-admin"


def test_an_organisation_that_exists_is_refused_and_unchanged(with_pi, reading, capsys):
    assert with_pi(*ORG, "--limit", "7") == 0
    assert with_pi(*ORG, "--limit", "9") == 1
    assert "There is an organisation eo-group already" in capsys.readouterr().err
    assert with_pi(*ORG, "--limit", "9", "--if-missing") == 0
    assert "nothing was changed" in capsys.readouterr().out
    with reading() as session:
        assert by_name(session, "eo-group").appliances_limit == 7


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ((*ORG[:-1], "nobody"), "There is no user nobody yet"),
        (("org", "create", "Not A Slug", *ORG[3:]), "name: "),
        ((*ORG[:4], "", *ORG[5:]), "title: "),
        ((*ORG, "--limit", "-1"), "appliances_limit: "),
    ],
)
def test_a_wrong_organisation_leaves_nothing_behind(with_pi, reading, capsys, argv, said):
    assert with_pi(*argv) == 1
    assert said in capsys.readouterr().err
    with reading() as session:
        assert count(session, Organisation) == 0


def test_the_consent_to_overflow_is_one_of_three(with_pi):
    with pytest.raises(SystemExit) as end:
        with_pi(*ORG, "--overflow", "perhaps")
    assert end.value.code == 2
