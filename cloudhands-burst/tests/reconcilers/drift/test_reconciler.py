"""Drift at simulated clouds: what changes behind our back is noticed, what is ours goes."""

import sys
from dataclasses import replace
from threading import Event
from typing import Any

import pytest
from sqlalchemy import event as events
from sqlalchemy import select, update

from cloudhands.burst.loop import Loop
from cloudhands.burst.metrics import Metrics
from cloudhands.burst.outcome import Again, Done
from cloudhands.burst.providers.simulated.adapter import connected
from cloudhands.burst.providers.simulated.faults import Faults
from cloudhands.burst.providers.simulated.faults_file import beside, remove, write
from cloudhands.burst.reconcilers.drift.reconciler import DriftReconciler
from cloudhands.burst.testing import World
from cloudhands.burst.testing_capable import SERVICE
from cloudhands.burst.testing_drift import counts, due, left_over, listed, running, server
from cloudhands.burst.testing_faults import faulty, present
from cloudhands.burst.testing_invariants import broken, seen
from cloudhands.common import observing, work
from cloudhands.common.actor.commands import component
from cloudhands.common.actor.queries import OPERATOR
from cloudhands.common.appliance import abandoning
from cloudhands.common.appliance.queries import by_uuid
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.cloud import Temporary
from cloudhands.common.listing import commands as listings
from cloudhands.common.listing.tables import ProviderListing
from cloudhands.common.mail.tables import Message
from cloudhands.common.provider import pausing
from cloudhands.common.provider.queries import by_name


def test_nothing_is_written_for_what_is_as_it_should_be(world: World) -> None:
    uuids = running(world, 3)
    listed(world)
    rows = [world.row(uuid).version for uuid in uuids]
    updates: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith(("UPDATE", "INSERT")) and "listings" not in statement:
            updates.append(statement)

    with world.database.writing() as session:
        listings.begin(session, "private", world.clock())
        (claim,) = work.claim(session, ProviderListing, world.clock(), 15, 10)
    events.listen(world.database._writers, "before_cursor_execute", note)
    try:
        assert DriftReconciler(world.context).reconcile(claim) == Again(30)
    finally:
        events.remove(world.database._writers, "before_cursor_execute", note)
    assert not updates
    assert due(world) == set()
    assert [world.row(uuid).version for uuid in uuids] == rows
    assert counts(world) == {
        "servers": 3,
        "missing": 0,
        "differing": 0,
        "strangers": 0,
        "held": 0,
        "abandoned": 0,
        "unknown": 0,
    }


def test_more_servers_are_listed_less_often(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    running(world, 3)
    monkeypatch.setattr(sys.modules[DriftReconciler.__module__], "OFTEN", 2)
    (outcome,) = listed(world)
    assert outcome == Again(45)


def test_listings_and_what_they_find_are_counted(world: World) -> None:
    uuids = running(world, 4)
    world.clouds["private"].stop(server(world, uuids[0]))
    world.clock.advance(5)
    with world.database.writing() as session:
        listings.begin(session, "private", world.clock())
    metrics = Metrics()
    metrics.tell_rows(world.database, world.clock)
    reconciler = DriftReconciler(replace(world.context, metrics=metrics))

    def lists() -> None:
        with world.database.writing() as session:
            session.execute(update(ProviderListing).values(due_at=world.clock()))
        with world.database.writing() as session:
            (claim,) = work.claim(session, ProviderListing, world.clock(), 15, 1)
        reconciler.reconcile(claim)

    lists()
    faulty(world, before={"listed": Temporary("it is busy")})
    lists()
    world.clock.advance(7)
    value, there = metrics.registry.get_sample_value, {"provider": "private"}
    outcomes = [
        value("cloudhands_listings_total", {**there, "outcome": outcome})
        for outcome in ("noted", "trouble", "vanished")
    ]
    assert outcomes == [1, 1, None]
    assert value("cloudhands_listing_seconds_count", there) == 2
    assert value("cloudhands_drift_total", {**there, "kind": "differing"}) == 1
    assert value("cloudhands_drift_total", {**there, "kind": "missing"}) == 0
    assert value("cloudhands_listed", {**there, "kind": "servers"}) == 4
    assert value("cloudhands_listed", {**there, "kind": "differing"}) == 1
    assert value("cloudhands_listing_age_seconds", there) == 7


@pytest.mark.parametrize(
    ("verb", "state", "goal"), [("stop", "stopped", "stopped"), ("delete", "failed", "running")]
)
def test_what_is_done_behind_our_back_is_recorded(
    world: World, verb: str, state: str, goal: str
) -> None:
    (changed, other) = running(world, 2)
    getattr(world.clouds["private"], verb)(server(world, changed))
    world.clock.advance(5)
    listed(world)
    assert due(world) == {changed}
    assert world.row(changed).wanted_version == world.row(other).wanted_version
    world.go_on()
    row = world.row(changed)
    assert (row.state, row.goal) == (state, goal)
    assert world.state(other) == "running"
    assert not list(broken(seen(world)))
    listed(world)
    assert due(world) == set()


def test_one_that_was_started_behind_our_back_is_stopped_again(world: World) -> None:
    (uuid,) = running(world)
    world.want(uuid, "stopped")
    world.go_on()
    world.clouds["private"].start(server(world, uuid))
    world.clock.advance(5)
    listed(world)
    world.go_on()
    assert world.states(uuid)[-3:] == ["running", "stopping", "stopped"]
    listed(world)
    assert due(world) == set()


def test_another_size_counts_against_the_limits(world: World) -> None:
    uuid = world.launch(SERVICE.model_copy(update={"external_address": False}))
    world.go_on(20)
    cloud = world.simulated("private")
    sizes = world.row(uuid).definition["sizes"]
    assert set(sizes) == {"small", "large"}
    id_ = server(world, uuid)
    cloud.stop(id_)
    world.clock.advance(5)
    cloud.resize(id_, sizes["large"]["on"]["private"])
    world.clock.advance(5)
    cloud.start(id_)
    world.clock.advance(5)
    listed(world)
    assert due(world) == {uuid}
    world.go_on()
    row = world.row(uuid)
    assert (row.size, row.seen_size, row.state) == ("large", "large", "running")
    assert "it was made large at the cloud, and was small" in world.whys(uuid)
    assert not list(broken(seen(world)))
    listed(world)
    assert due(world) == set()


def test_other_addresses_are_written_down(world: World) -> None:
    (uuid,) = running(world)
    (before,) = world.addresses(uuid)
    cloud = world.simulated("private")
    with cloud._store.changing() as servers:
        servers._connection.execute("UPDATE servers SET number = number + 7")
    listed(world)
    assert due(world) == {uuid}
    world.go_on()
    (now,) = world.addresses(uuid)
    assert now != before
    assert f"the cloud gave it other addresses: {now}" in world.whys(uuid)
    listed(world)
    assert due(world) == set()


def test_a_twin_is_reaped(world: World) -> None:
    (uuid,) = running(world)
    kept = server(world, uuid)
    left_over(world, uuid)
    listed(world)
    world.go_on()
    assert present(world) == [kept]
    assert (world.state(uuid), server(world, uuid)) == ("running", kept)
    assert due(world) == set()


def test_holes_in_a_listing_change_nothing(world: World) -> None:
    uuids = running(world, 3)
    world.clouds["private"] = connected(
        "private", world.simulated("private")._options, world.folder, world.clock
    )
    faults = beside(world.folder / "private.db")
    write(faults, Faults(holes=1))
    listed(world)
    assert due(world) == set(uuids), "three are too few to tell"
    world.go_on()
    assert {world.state(uuid) for uuid in uuids} == {"running"}
    assert len(present(world)) == 3
    remove(faults)


def test_mass_disappearance_pauses_and_records_nothing(world: World) -> None:
    world.settings = world.settings.model_copy(update={"operators_mail": "ops@example.org"})
    uuids = running(world, 4)
    versions = [world.row(uuid).version for uuid in uuids]
    cloud = world.clouds["private"]
    world.clouds["private"] = connected(
        "private", world.simulated("private")._options, world.folder, world.clock
    )
    faults = beside(world.folder / "private.db")
    write(faults, Faults(vanished=True))
    listed(world)
    with world.database.reading() as session:
        row = by_name(session, "private")
        assert row is not None
        assert (row.state, row.pause_ends) == ("paused", "operator")
        assert row.problem.startswith("4 of the 4 servers that are known there are not listed")
        assert [each.template for each in session.scalars(select(Message))] == ["provider-paused"]
    assert due(world) == set()
    assert [world.row(uuid).version for uuid in uuids] == versions
    remove(faults)
    world.clouds["private"] = cloud
    with world.database.writing() as session:
        provider = by_name(session, "private", lock=True)
        assert provider is not None
        operator = component(session, OPERATOR, world.clock())
        pausing.resume(session, operator, provider, "it is back", world.clock())
        (claim,) = work.claim(session, ProviderListing, world.clock(), 15, 10)
    assert DriftReconciler(world.context).reconcile(claim) == Again(30)


def test_what_is_lost_for_ever_is_let_go_by_the_operators_word(world: World) -> None:
    uuids = running(world, 4)
    for uuid in uuids:
        world.clouds["private"].delete(server(world, uuid))
    world.clock.advance(5)
    listed(world)
    assert due(world) == set()
    with world.database.writing() as session:
        # As `cloud-admin reconcile` does it.
        work.wake_all(session, Appliance, world.clock(), Appliance.uuid.in_(uuids))
        provider = by_name(session, "private", lock=True)
        assert provider is not None
        operator = component(session, OPERATOR, world.clock())
        assert pausing.resume(session, operator, provider, "they are lost", world.clock())
    assert listed(world) == [Again(30)], "what is due is not reckoned with"
    world.go_on(20)
    assert {world.state(uuid) for uuid in uuids} == {"failed"}
    assert listed(world) == [Again(30)]


def test_trouble_is_tried_again_sooner_and_the_settings_may_forget_it(world: World) -> None:
    faulty(world, before={"listed": Temporary("it does not answer")})
    (outcome,) = listed(world)
    assert isinstance(outcome, Again)
    assert outcome.after <= 1
    del world.settings.providers["private"]  # type: ignore[attr-defined]
    assert listed(world) == [Done()]


def test_while_observing_nothing_is_listed(world: World) -> None:
    with world.database.writing() as session:
        listings.begin(session, "private", world.clock())
        observing.begin(session)
    cloud = faulty(world)
    loop = Loop(world.context, [DriftReconciler(world.context)], Event())
    loop.once()
    assert cloud.calls == []
    with world.database.writing() as session:
        observing.end(session)
    loop.once()
    assert loop.drain(5)
    assert cloud.calls == ["listed"]


def test_an_abandoned_server_is_told_and_left(world: World) -> None:
    (uuid,) = running(world)
    with world.database.writing() as session:
        appliance = by_uuid(session, uuid, lock=True)
        assert appliance is not None
        operator = component(session, OPERATOR, world.clock())
        abandoning.abandon(session, operator, appliance, "the rack burnt", world.clock())
    listed(world)
    assert counts(world)["abandoned"] == 1
    assert len(present(world)) == 1
