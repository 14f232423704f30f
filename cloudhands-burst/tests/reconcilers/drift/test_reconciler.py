"""Drift at simulated clouds: what changes behind our back is noticed, what is ours goes."""

from dataclasses import replace
from threading import Event
from typing import Any
from uuid import UUID

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
from cloudhands.burst.testing import SETTLE, World
from cloudhands.burst.testing_capable import SERVICE
from cloudhands.burst.testing_faults import faulty, present
from cloudhands.burst.testing_invariants import broken, seen
from cloudhands.common import observing, work
from cloudhands.common.actor.commands import component
from cloudhands.common.actor.queries import OPERATOR
from cloudhands.common.appliance import abandoning
from cloudhands.common.appliance.queries import by_uuid
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.cloud import Identity, ServerSpec, Temporary
from cloudhands.common.listing import commands as listings
from cloudhands.common.listing.queries import by_provider
from cloudhands.common.listing.tables import ProviderListing
from cloudhands.common.mail.tables import Message
from cloudhands.common.provider import pausing
from cloudhands.common.provider.queries import by_name


def listed(world: World) -> list[Any]:
    """List the private cloud, as every so many seconds."""
    with world.database.writing() as session:
        listings.begin(session, "private", world.clock())
        claims = work.claim(session, ProviderListing, world.clock(), 15, 10)
    reconciler = DriftReconciler(world.context)
    return [reconciler.reconcile(claim) for claim in claims]


def counts(world: World) -> dict[str, Any]:
    with world.database.reading() as session:
        return by_provider(session)["private"].found


def running(world: World, number: int = 1) -> list[UUID]:
    uuids = [world.launch() for _ in range(number)]
    world.go_on(20)
    assert {world.state(uuid) for uuid in uuids} == {"running"}
    return uuids


def due(world: World) -> set[UUID]:
    with world.database.reading() as session:
        return set(session.scalars(select(Appliance.uuid).where(Appliance.due_at.is_not(None))))


def server(world: World, uuid: UUID) -> str:
    (node,) = [node for node in world.nodes(uuid) if node.ended_at is None]
    assert node.server_id is not None
    return node.server_id


def left_over(world: World, uuid: UUID, generation: int = 1) -> str:
    """A server that comes to be after everything of it was found gone."""
    identity = Identity(world.installation, str(uuid), generation)
    spec = ServerSpec(identity, "late", "debian-12", "m1.small")
    return world.clouds["private"].create(spec).id


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


def test_a_late_sighting_is_deleted_by_tag_once_it_is_settled(world: World) -> None:
    (uuid,) = running(world)
    world.want(uuid, "deleted")
    world.go_on()
    assert world.state(uuid) == "deleted"
    with world.database.writing() as session:
        session.execute(update(Node).values(asked_at=world.clock()))
    late = left_over(world, uuid)
    listed(world)
    assert present(world) == [late], "more of it may come"
    world.clock.advance(SETTLE)
    listed(world)
    assert present(world) == []
    assert counts(world)["strangers"] == 1
    assert world.row(uuid).claim_token is None
    world.go_on(20)
    assert (world.state(uuid), due(world)) == ("deleted", set())


def test_what_is_in_somebodys_hand_waits(world: World) -> None:
    (uuid,) = running(world)
    world.want(uuid, "deleted")
    world.go_on(SETTLE + 10)
    late = left_over(world, uuid)
    with world.database.writing() as session:
        seized = work.seize(session, Appliance, world.row(uuid).id, world.clock(), 15)
        assert seized
        assert work.seize(session, Appliance, world.row(uuid).id, world.clock(), 15) is None
    listed(world)
    assert present(world) == [late]
    with world.database.writing() as session:
        work.leave(session, seized)
    listed(world)
    assert present(world) == []


def test_a_node_that_lives_again_by_the_second_look_keeps_its_server(world: World) -> None:
    (uuid,) = running(world)
    kept = server(world, uuid)
    with world.database.writing() as session:
        session.execute(update(Node).values(ended_at=world.clock(), asked_at=None))
    reconciler = DriftReconciler(world.context)
    clear_away = reconciler._clear_away

    def again(*about: Any) -> None:
        with world.database.writing() as session:
            session.execute(update(Node).values(ended_at=None))
        clear_away(*about)

    reconciler._clear_away = again  # type: ignore[method-assign]
    with world.database.writing() as session:
        listings.begin(session, "private", world.clock())
        (claim,) = work.claim(session, ProviderListing, world.clock(), 15, 10)
    reconciler.reconcile(claim)
    assert present(world) == [kept]


@pytest.mark.parametrize("known", [True, False])
def test_what_is_unknown_here_is_counted_and_left(world: World, known: bool) -> None:
    """As after a restore: its appliance, or the generation that it was tried again as."""
    (uuid,) = running(world)
    strange = left_over(world, uuid if known else UUID(int=7), generation=2)
    listed(world)
    assert strange in present(world)
    assert counts(world)["unknown"] == 1


def test_leftover_addresses_are_released(world: World) -> None:
    (uuid,) = running(world)
    world.want(uuid, "deleted")
    world.go_on(SETTLE + 10)
    cloud = world.simulated("private")
    identities = [Identity(world.installation, str(each), 1) for each in (uuid, UUID(int=7))]
    with cloud._store.changing() as servers:
        for number, identity in enumerate(identities):
            servers.held.take(3_405_803_777 + number, identity, None)  # type: ignore[arg-type]
    listed(world)
    assert [held.identity for held in cloud.listed(world.installation).held] == identities[1:]
    assert counts(world)["unknown"] == 1


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
