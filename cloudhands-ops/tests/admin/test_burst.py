"""`cloud-admin burst`: what an operator sees of cloud-burst, and tells it."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from cloudhands.common import history, observing
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.clock import now
from cloudhands.common.provider.queries import by_name
from cloudhands.common.testing.databases import short_lived
from cloudhands.common.testing.factories import Factory
from cloudhands.common.worker.tables import Worker


@pytest.fixture
def writing(tmp_path, upgraded):
    with short_lived(f"sqlite:///{tmp_path}/cloudhands.db") as database:
        yield database.writing


def test_pause_status_resume(upgraded, capsys, reading):
    assert upgraded("burst", "pause", "private", "--reason", "a new rack") == 0
    assert "private is paused: a new rack." in capsys.readouterr().out
    assert upgraded("burst", "pause", "private", "--reason", "again", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"provider": "private", "paused": False, "reason": "a new rack"}
    assert upgraded("burst", "status") == 0
    out = capsys.readouterr().out
    assert "No process of cloud-burst runs." in out
    assert "until an operator resumes it: a new rack" in out
    assert "provider public: working" in out
    assert upgraded("burst", "status", "--json") == 0
    seen = json.loads(capsys.readouterr().out)["providers"]
    assert (seen["private"]["state"], seen["private"]["resumed_by"]) == ("paused", "operator")
    assert seen["public"]["state"] == "working"
    for resumed in (True, False):
        assert upgraded("burst", "resume", "private", "--json") == 0
        assert json.loads(capsys.readouterr().out)["resumed"] is resumed
    with reading() as session:
        row = by_name(session, "private")
        events = [(event.to_state, event.why) for event in history.latest(session, row.uuid)]
    assert events == [("working", "resumed by an operator"), ("paused", "paused: a new rack")]


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_a_provider_that_is_not_there(upgraded, capsys, verb):
    assert upgraded("burst", verb, "moon") == 1
    assert "There is no provider moon; the settings define: private, public" in (
        capsys.readouterr().err
    )


def test_status_shows_workers_what_is_due_and_observing(upgraded, capsys, writing):
    moment = now()
    with writing() as session:
        observing.begin(session)
        make = Factory(session, moment - timedelta(minutes=5))
        organisation = make.organisation()
        make.appliance(organisation, make.member(organisation))
        for pid, ago in ((11, 5), (12, 90)):
            at = moment - timedelta(seconds=ago)
            session.add(Worker(host="one", pid=pid, started_at=at, seen_at=at, in_hand=pid))
    assert upgraded("burst", "status") == 0
    out = capsys.readouterr().out
    assert "cloud-burst only observes" in out
    fresh, stale = sorted(line for line in out.splitlines() if line.startswith("worker"))
    assert "STALE" not in fresh
    assert "11 in hand" in fresh
    assert "STALE" in stale
    assert "due appliance: 1, the first for 30" in out
    assert upgraded("burst", "status", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["observing"] is True
    assert [worker["stale"] for worker in told["workers"]] == [True, False]
    assert told["due"]["appliance"]["number"] == 1
    assert told["due"]["message"] == {"number": 0, "oldest_seconds": None}
    assert upgraded("burst", "resume") == 0
    assert "works again" in capsys.readouterr().out


@pytest.fixture
def three(writing):
    """Two appliances in a backoff and one at rest, by uuid."""
    with writing() as session:
        make = Factory(session, now())
        organisation = make.organisation()
        owner = make.member(organisation)
        made = [make.appliance(organisation, owner) for _ in range(3)]
        for number, appliance in enumerate(made):
            appliance.due_at = now() + timedelta(hours=1) if number else None
            appliance.attempt = 7
        return [str(appliance.uuid) for appliance in made]


def states(reading):
    with reading() as session:
        rows = session.scalars(select(Appliance).order_by(Appliance.id))
        return [(row.attempt, row.due_at is not None and row.due_at <= now()) for row in rows]


def test_retry_one_or_all(upgraded, capsys, reading, three):
    assert upgraded("burst", "retry", three[1]) == 0
    assert "Due now: 1." in capsys.readouterr().out
    assert states(reading) == [(7, False), (0, True), (7, False)]
    assert upgraded("burst", "retry", "--all", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"due": 1}
    assert states(reading) == [(7, False), (0, True), (0, True)]
    assert upgraded("burst", "retry", three[0]) == 0
    assert states(reading)[0] == (0, True)
    with reading() as session:
        rows = session.scalars(select(Appliance)).all()
        assert {row.wanted_version for row in rows} == {1}, "nobody wished for anything"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give one appliance's uuid, or --all"),
        (("--all", "8c5c1b0e-0000-4000-8000-000000000000"), "give one appliance's uuid, or --all"),
        (("nonsense",), "'nonsense' is no uuid"),
        (("8c5c1b0e-0000-4000-8000-000000000000",), "There is no appliance 8c5c1b0e"),
    ],
)
def test_what_cannot_be_retried(upgraded, capsys, arguments, words):
    assert upgraded("burst", "retry", *arguments) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("state", "words"), [("deleted", "has been deleted"), ("failed", "retries or deletes it")]
)
def test_what_waits_for_no_worker(upgraded, capsys, writing, three, state, words):
    with writing() as session:
        session.scalars(select(Appliance).order_by(Appliance.id)).first().state = state
    assert upgraded("burst", "retry", three[0]) == 1
    assert words in capsys.readouterr().err


def test_a_new_organisation_is_checked_first(with_pi, capsys, reading):
    assert with_pi("org", "create", "eo", "--title", "Earth", "--admin", "pi") == 0
    capsys.readouterr()
    assert with_pi("burst", "status", "--json") == 0
    assert json.loads(capsys.readouterr().out)["due"]["subscription"]["number"] == 2
