"""`cloud-admin metering`: hours and cost."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from cloudhands.common import site
from cloudhands.common.appliance.states import APPLIANCE
from cloudhands.common.machine import move
from cloudhands.common.opening import opened_for
from cloudhands.common.provider.commands import provider
from cloudhands.common.settings import load
from cloudhands.common.testing.factories import Factory

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
PRICES = """
[[providers.private.prices]]
size = "m1.small"
running = 0.25
stopped = 0.01
"""


@pytest.fixture
def metered(upgraded, config, capsys):
    """An organisation whose appliance ran for ten hours and is stopped since."""
    config.write_text(config.read_text() + PRICES)
    settings = load(defaults=site.installed().settings, file=config)
    with opened_for(settings) as database, database.writing() as session:
        make = Factory(session, BEGIN)
        organisation = make.organisation("eo")
        appliance = make.appliance(organisation, make.member(organisation), "weather")
        appliance.provider_id = provider(session, "private", BEGIN).id
        appliance.seen_size = "small"
        for hour, state in enumerate(("provisioning", "running", "stopping", "stopped")):
            now = BEGIN + timedelta(hours=hour * 5)
            move(session, APPLIANCE, appliance, state, make.burst, "so it is", now)
    return upgraded


def test_the_hours_and_the_cost(metered, capsys):
    arguments = ("metering", "report", "eo", "--since", "2026-03-01", "--until", "2026-03-02")
    assert metered(*arguments, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    (row,) = told["use"]
    assert (row["label"], row["provider"], row["size"]) == ("weather", "private", "small")
    assert (row["running_hours"], row["stopped_hours"], row["cost"]) == ("10.00", "9.00", "2.59")
    assert (told["cost"], told["without_price"], told["currency"]) == ("2.59", 0, "EUR")
    assert metered(*arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].split() == ["all", "10.00", "9.00", "2.59"]


def test_what_has_no_price_is_told(metered, config, capsys):
    config.write_text(config.read_text().replace("m1.small", "m1.huge"))
    assert metered("metering", "report", "eo", "--since", "2026-03-01") == 0
    out = capsys.readouterr().out
    assert "1 without a price: see providers.NAME.prices" in out


def test_what_has_not_happened_yet_is_not_told(metered, capsys):
    assert metered("metering", "report", "eo", "--until", "2099-01-01", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["until"] < "2098"
    assert metered("metering", "report", "eo", "--since", "2098-01-01") == 1
    assert "is not before" in capsys.readouterr().err


def test_nothing_in_the_time_is_no_error(metered, capsys):
    arguments = ("--since", "2026-02-01", "--until", "2026-02-02", "--json")
    assert metered("metering", "report", "eo", *arguments) == 0
    assert json.loads(capsys.readouterr().out)["use"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nobody",), "There is no organisation nobody"),
        (("eo", "--since", "2026-03-02", "--until", "2026-03-01"), "is not before 2026-03-01"),
    ],
)
def test_what_is_wrong_is_named(metered, capsys, arguments, words):
    assert metered("metering", "report", *arguments) == 1
    assert words in capsys.readouterr().err


def test_what_is_no_day(metered, capsys):
    with pytest.raises(SystemExit) as end:
        metered("metering", "report", "eo", "--since", "yesterday")
    assert end.value.code == 2
    assert "no day like 2026-03-31" in capsys.readouterr().err
