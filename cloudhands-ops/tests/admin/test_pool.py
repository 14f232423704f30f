"""`cloud-admin pool`: defining and listing."""

import json

import pytest

DEFINE = ("pool", "define", "private", "campus", "192.0.2.0/30")


@pytest.fixture
def with_provider(upgraded, config):
    with config.open("a", encoding="utf-8") as out:
        out.write('[providers.private]\nkind = "simulated"\nlabel = "Private cloud"\n')
    return upgraded


def test_a_pool_is_defined_extended_and_listed(with_provider, capsys):
    assert with_provider("pool", "list") == 0
    assert "There are no pools" in capsys.readouterr().out
    assert with_provider(*DEFINE) == 0
    assert capsys.readouterr().out == "The pool campus at private: 2 free, 0 held.\n"
    assert with_provider(*DEFINE[:-1], "192.0.2.2-192.0.2.5", "--json") == 0
    use = {"provider": "private", "network": "campus", "free": 5, "held": 0}
    assert json.loads(capsys.readouterr().out) == use
    assert with_provider("pool", "list") == 0
    assert capsys.readouterr().out == "campus at private: 5 free, 0 held\n"
    assert with_provider("pool", "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"pools": [use]}


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (("elsewhere", "campus", "192.0.2.0/30"), "There is no provider elsewhere"),
        (("private", "campus", "192.0.2.5/24"), "has host bits set"),
        (("private", "campus", "10.0.0.0/8"), "at most 65536"),
        (("private", "", "192.0.2.0/30"), "network: This must not be empty."),
    ],
)
def test_what_cannot_be_a_pool_changes_nothing(with_provider, capsys, argv, sentence):
    assert with_provider("pool", "define", *argv) == 1
    assert sentence in capsys.readouterr().err
    assert with_provider("pool", "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"pools": []}
