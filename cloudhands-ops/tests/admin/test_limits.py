"""`cloud-admin org limits`: what an organisation may take."""

import json

import pytest

from cloudhands.ops.testing_admin import PI, UPGRADE


@pytest.fixture
def admin_of_one(admin_after):
    return admin_after(UPGRADE, PI, ("org", "create", "eo", "--title", "Earth", "--admin", "pi"))


def told(admin, capsys, *argv):
    assert admin("org", "limits", "eo", *argv, "--json") == 0
    return json.loads(capsys.readouterr().out)["limits"]


def test_limits_are_set_shown_and_lifted(admin_of_one, capsys):
    shown = told(admin_of_one, capsys)
    assert shown["appliances"] == {"used": 0, "limit": 20}
    assert shown["vcpus"] == {"used": 0, "limit": None}
    shown = told(admin_of_one, capsys, "--vcpus", "64", "--memory-mb", "131072")
    assert (shown["vcpus"]["limit"], shown["memory_mb"]["limit"]) == (64, 131072)
    assert shown["appliances"]["limit"] == 20
    assert told(admin_of_one, capsys, "--vcpus", "none")["vcpus"]["limit"] is None
    assert admin_of_one("org", "limits", "eo") == 0
    out = capsys.readouterr().out
    assert "MB of memory: 0 of 131072" in out
    assert "vCPUs: 0 of any" in out


def test_limits_of_one_provider_are_its_own(admin_of_one, capsys):
    assert told(admin_of_one, capsys, "--provider", "public", "--vcpus", "4")["vcpus"]["limit"] == 4
    assert told(admin_of_one, capsys)["vcpus"]["limit"] is None
    assert told(admin_of_one, capsys, "--provider", "private")["vcpus"]["limit"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nobody",), "There is no organisation nobody"),
        (("eo", "--provider", "moon"), "does not use a provider moon"),
    ],
)
def test_what_is_not_there_is_named(admin_of_one, capsys, arguments, words):
    assert admin_of_one("org", "limits", *arguments) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("value", ["-1", "many", "2147483648", "1.5", ""])
def test_what_is_no_limit(admin_of_one, capsys, value):
    with pytest.raises(SystemExit) as end:
        admin_of_one("org", "limits", "eo", "--vcpus", value)
    assert end.value.code == 2
    assert "not 'none'" in capsys.readouterr().err or value == "-1"
