"""Pausing and resuming: who may, what wakes."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from cloudhands.common import history, work
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.catalogue.queries import Named, named_at
from cloudhands.common.errors import CloudhandsError
from cloudhands.common.provider import commands, pausing
from cloudhands.common.provider.queries import paused, subscriptions_of
from cloudhands.common.testing.factories import ITEM, NOON, PROVIDERS, Factory

LATER = NOON + timedelta(hours=1)


def test_a_person_pauses_and_resumes_nothing(rolled_back: Session) -> None:
    make = Factory(rolled_back)
    somebody = make.user()
    provider = commands.provider(rolled_back, "private", NOON)
    for verb in (
        lambda: pausing.pause(rolled_back, somebody, provider, "no", NOON),
        lambda: pausing.resume(rolled_back, somebody, provider, "no", NOON),
    ):
        with pytest.raises(CloudhandsError):
            verb()
    assert (provider.state, provider.paused) == ("working", "")


def test_an_operators_pause_takes_the_place_of_troubles(rolled_back: Session) -> None:
    make = Factory(rolled_back)
    provider = commands.provider(rolled_back, "private", NOON)
    assert pausing.pause(rolled_back, make.burst, provider, "it fails", NOON, LATER)
    assert not pausing.pause(rolled_back, make.burst, provider, "it fails more", NOON, LATER)
    assert (provider.pause_ends, provider.due_at, provider.since) == ("probe", LATER, NOON)
    assert pausing.pause(rolled_back, make.operator, provider, "a new rack", LATER)
    assert (provider.pause_ends, provider.due_at, provider.since) == ("operator", None, NOON)
    assert paused(rolled_back) == {"private": "a new rack"}
    assert not pausing.pause(rolled_back, make.burst, provider, "it fails", LATER, LATER)
    told = [(event.from_state, event.why) for event in history.latest(rolled_back, provider.uuid)]
    assert told == [("paused", "paused: a new rack"), ("working", "paused: it fails")]
    assert provider.version == 2


def test_resuming_wakes_what_waits_there_and_nothing_else(rolled_back: Session) -> None:
    make = Factory(rolled_back)
    ours, other = make.organisation(), make.organisation()
    owners = {one.id: make.member(one) for one in (ours, other)}
    private, public = (commands.provider(rolled_back, name, NOON) for name in PROVIDERS)
    waiting, elsewhere, resting, unplaced, running_out = (
        make.appliance(organisation, owners[organisation.id])
        for organisation in (ours, ours, ours, other, other)
    )
    for appliance, provider, due_at in (
        (waiting, private, LATER),
        (elsewhere, public, LATER),
        (resting, private, None),
        (unplaced, None, LATER),
        (running_out, None, LATER),
    ):
        appliance.provider_id = provider.id if provider else None
        appliance.due_at, appliance.attempt = due_at, 4
    running_out.state = "failed"
    for subscription in subscriptions_of(rolled_back, other.id):
        subscription.due_at = LATER
    rolled_back.flush()
    pausing.pause(rolled_back, make.operator, private, "a new rack", NOON)
    assert pausing.resume(rolled_back, make.operator, private, "it is in", NOON)
    rolled_back.expire_all()
    assert [row.attempt for row in (waiting, unplaced)] == [0, 0]
    for row in (waiting, unplaced):
        assert row.due_at is not None
        assert NOON <= row.due_at < NOON + timedelta(seconds=pausing.SPREAD_SECONDS)
    assert (elsewhere.due_at, running_out.due_at, resting.due_at) == (LATER, LATER, None)
    here, there = subscriptions_of(rolled_back, other.id)
    assert here.due_at is not None
    assert here.due_at < LATER
    assert there.due_at == LATER


def test_subscriptions_are_vouched_for_or_checked_first(rolled_back: Session) -> None:
    make = Factory(rolled_back)
    vouched = make.organisation()
    checked = make.organisation()
    for row in subscriptions_of(rolled_back, checked.id):
        rolled_back.delete(row)
    rolled_back.flush()
    operator = make.operator
    commands.subscribe(rolled_back, operator, checked, PROVIDERS, "never", NOON, vouched=False)
    rolled_back.flush()
    states = {
        organisation.id: {
            (row.state, row.due_at) for row in subscriptions_of(rolled_back, organisation.id)
        }
        for organisation in (vouched, checked)
    }
    assert states == {vouched.id: {("active", None)}, checked.id: {("unchecked", NOON)}}
    (row, _) = subscriptions_of(rolled_back, checked.id)
    (event,) = history.latest(rolled_back, row.uuid)
    assert event.to_state == "unchecked"


def test_a_catalogue_that_changed_has_every_subscription_looked_at(rolled_back: Session) -> None:
    make = Factory(rolled_back)
    (row, ended) = subscriptions_of(rolled_back, make.organisation().id)
    ended.state = "inactive"
    make.item()
    assert (row.due_at, row.wanted_version, ended.due_at) == (NOON, 2, None)
    row.due_at = None
    make.item()
    assert row.due_at is None, "the same again changes nothing"


def test_what_the_catalogue_names_at_a_provider(rolled_back: Session) -> None:
    make = Factory(rolled_back)
    assert named_at(rolled_back, "private") == Named(frozenset(), frozenset())
    make.item()
    make.item(ITEM.model_copy(update={"name": "other", "images": {"private": "ubuntu"}}))
    assert named_at(rolled_back, "private") == Named(
        frozenset({"debian-12", "ubuntu"}), frozenset({"m1.small"})
    )
    assert named_at(rolled_back, "public").images == {"debian-12"}
    assert named_at(rolled_back, "moon") == Named(frozenset(), frozenset())


def test_what_is_due_is_counted_without_what_is_in_hand(rolled_back: Session) -> None:
    make = Factory(rolled_back)
    organisation = make.organisation()
    owner = make.member(organisation)
    rows = [make.appliance(organisation, owner) for _ in range(4)]
    for number, row in enumerate(rows):
        row.due_at = NOON - timedelta(minutes=number)
    rows[3].claim_until, rows[2].due_at = LATER, LATER
    rolled_back.flush()
    oldest = NOON - timedelta(minutes=1)
    assert work.backlog(rolled_back, Appliance, NOON) == (2, oldest)
    assert work.backlog(rolled_back, Appliance, NOON - timedelta(days=1)) == (0, None)


def test_many_are_woken_in_parts(rolled_back: Session) -> None:
    make = Factory(rolled_back)
    organisation = make.organisation(limit=50)
    owner = make.member(organisation)
    rows = [make.appliance(organisation, owner) for _ in range(20)]
    assert work.wake_all(rolled_back, Appliance, LATER, Appliance.id > 0, spread=10) == 20
    rolled_back.expire_all()
    moments = sorted(row.due_at - LATER for row in rows if row.due_at)
    assert moments == sorted(timedelta(seconds=n) for n in [*range(10), *range(10)])
    assert work.wake_all(rolled_back, Appliance, NOON, Appliance.id < 0) == 0
