"""`cloud-admin org terms`."""

import json

import pytest

from cloudhands.common import history
from cloudhands.common.organisation.queries import by_name
from cloudhands.ops.testing_admin import ORG

TERMS = ("org", "terms", "eo-group")


@pytest.fixture
def org(with_pi, config, tmp_path, capsys):
    config.write_text(
        f'state = "{tmp_path}"\n'
        '[providers.private]\nkind = "simulated"\nlabel = "Ours"\nlocation = "uk"\n'
        '[providers.public]\nkind = "simulated"\nlabel = "Theirs"\npublic = true\n'
        'location = "eu"\n',
        encoding="utf-8",
    )
    assert with_pi(*ORG) == 0
    capsys.readouterr()
    return with_pi


def shown(org, capsys):
    assert org(*TERMS, "--json") == 0
    return json.loads(capsys.readouterr().out)


def test_terms_are_shown_and_set(org, capsys, reading):
    before = {
        "name": "eo-group",
        "overflow": {"private": "never", "public": "never"},
        "locations": [],
        "budget": None,
        "spent": None,
        "currency": "EUR",
    }
    assert shown(org, capsys) == before
    wanted = ("--overflow", "ask", "--budget", "500", "--locations", "uk,eu")
    assert org(*TERMS, *wanted) == 0
    assert capsys.readouterr().out.splitlines()[:4] == [
        "eo-group:",
        "  overflow: public ask",
        "  budget: 500.00 EUR a month, 0.00 spent",
        "  data in: eu or uk",
    ]
    assert org(*TERMS, "--overflow", "auto", "--provider", "public") == 0
    capsys.readouterr()
    assert shown(org, capsys) == before | {
        "overflow": {"private": "ask", "public": "auto"},
        "locations": ["eu", "uk"],
        "budget": 500,
        "spent": "0.00",
    }
    assert org(*TERMS, "--budget", "none", "--locations", "any") == 0
    capsys.readouterr()
    assert shown(org, capsys)["budget"] is None
    with reading() as session:
        event = history.latest(session, by_name(session, "eo-group").uuid)[0]
    assert (event.who, event.why) == (
        "cloud-admin",
        "terms: budget none instead of 500 a month; data in any place instead of eu or uk",
    )


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("org", "terms", "nobody"), "There is no organisation nobody"),
        ((*TERMS, "--locations", "mars"), "no provider is at 'mars'"),
        ((*TERMS, "--locations", "uk,,eu"), "locations.1: "),
        ((*TERMS, "--overflow", "ask", "--provider", "x"), "does not use a provider x"),
    ],
)
def test_wrong_terms_change_nothing(org, capsys, argv, said):
    assert org(*argv) == 1
    assert said in capsys.readouterr().err
    assert shown(org, capsys)["locations"] == []


@pytest.mark.parametrize("budget", ["-1", "12.50", "lots", str(2**31)])
def test_a_budget_is_a_whole_number_or_none(org, budget):
    with pytest.raises(SystemExit) as end:
        org(*TERMS, "--budget", budget)
    assert end.value.code == 2
