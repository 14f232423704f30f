"""A paused provider: what waits for it, the probe that resumes it, the operator's word."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from cloudhands.burst.calls import Paced, Pausing
from cloudhands.burst.metrics import Metrics
from cloudhands.burst.outcome import Again, Done
from cloudhands.burst.pace import Pace
from cloudhands.burst.pauses import Pauses
from cloudhands.burst.reconcilers.provider.reconciler import ProviderReconciler
from cloudhands.burst.testing import World
from cloudhands.burst.testing_faults import Faulty, faulty
from cloudhands.common import history, work
from cloudhands.common.actor.commands import component
from cloudhands.common.actor.queries import OPERATOR
from cloudhands.common.cloud import Denied, Temporary
from cloudhands.common.provider import pausing
from cloudhands.common.provider.queries import by_name
from cloudhands.common.provider.tables import Provider, Subscription


class Site:
    """The world, with a guard around the private cloud."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.pauses = Pauses(world.database, world.settings, world.clock, lambda: 0)
        self.inner = Faulty(world.clouds["private"])
        paced = Paced(self.inner, "private", Pace(8, 10_000), Metrics())
        world.clouds["private"] = Pausing(paced, "private", self.pauses)

    def fail(self, reason: str = "it fails") -> None:
        self.pauses.pause("private", reason, denied=False)

    def by_operator(self, verb: str) -> bool:
        with self.world.database.writing() as session:
            provider = by_name(session, "private", lock=True)
            assert provider is not None
            operator, now = component(session, OPERATOR, self.world.clock()), self.world.clock()
            if verb == "pause":
                return pausing.pause(session, operator, provider, "a new rack", now)
            return pausing.resume(session, operator, provider, "the rack is in", now)

    def row(self) -> Provider:
        with self.world.database.reading() as session:
            row = by_name(session, "private")
            assert row is not None
            session.expunge_all()
            return row

    def claim(self) -> work.Claim:
        due_at = self.row().due_at
        assert due_at is not None
        self.world.clock.moment = due_at
        with self.world.database.writing() as session:
            (claim,) = work.claim(session, Provider, due_at, 15, 10)
        return claim

    def probe(self) -> object:
        return ProviderReconciler(self.world.context).reconcile(self.claim())


@pytest.fixture
def site(world: World) -> Site:
    return Site(world)


def test_appliances_wait_in_plain_words_and_are_not_called_for(site: Site) -> None:
    world = site.world
    uuids = [world.launch() for _ in range(3)]
    world.go_on()
    site.fail()
    site.inner.calls.clear()
    for uuid in uuids:
        world.want(uuid, "stopped")
    (outcome, *_) = world.look()
    assert isinstance(outcome, Again)
    assert outcome.problem == "Private cloud: it is paused: it fails."
    assert outcome.after >= 300
    rows = [world.row(uuid) for uuid in uuids]
    assert {(row.state, row.problem, row.attempt) for row in rows} == {
        ("running", outcome.problem, 0)
    }
    assert len({row.due_at for row in rows}) == 3, "jittered"
    assert world.look() == []
    assert site.inner.calls == []


def test_a_probe_that_goes_well_resumes_it_and_wakes_what_waited(site: Site) -> None:
    world = site.world
    uuid = world.launch()
    world.go_on()
    site.fail()
    world.want(uuid, "stopped")
    world.look()
    assert site.probe() == Done()
    row = site.row()
    assert (row.state, row.problem, row.pause_ends, row.due_at) == ("working", "", "", None)
    with world.database.reading() as session:
        told = [(event.to_state, event.why) for event in history.latest(session, row.uuid)]
        (subscription, *_) = session.query(Subscription).order_by(Subscription.id)
        assert subscription.due_at is not None, "looked at again"
    assert told[:2] == [("working", "a probe went well"), ("paused", "paused: it fails")]
    due_at = world.row(uuid).due_at
    assert due_at is not None
    assert due_at <= world.clock() + timedelta(seconds=pausing.SPREAD_SECONDS)
    world.go_on(20)
    assert (world.state(uuid), world.row(uuid).problem) == ("stopped", "")


def test_a_probe_that_fails_comes_back_later_and_later(site: Site) -> None:
    site.fail()
    waits = []
    for _ in range(8):
        site.inner.before["standing"] = Temporary("it does not answer.")
        outcome = site.probe()
        assert isinstance(outcome, Again)
        waits.append(outcome.after)
    assert all(2.5 * 2**k <= wait <= 5 * 2**k for k, wait in enumerate(waits[:6]))
    assert all(150 <= wait <= 300 for wait in waits[6:])
    row = site.row()
    assert (row.state, row.problem, row.attempt) == ("paused", "it does not answer", 8)
    site.inner.before["standing"] = Denied("the password has expired")
    outcome = site.probe()
    assert isinstance(outcome, Again)
    assert outcome.after >= 300
    assert site.row().problem == "our credentials are refused: the password has expired"


def test_only_an_operator_resumes_what_an_operator_paused(site: Site) -> None:
    site.fail()
    assert site.by_operator("pause")
    row = site.row()
    assert (row.problem, row.pause_ends, row.due_at) == ("a new rack", "operator", None)
    assert not site.by_operator("pause")
    assert site.by_operator("resume")
    assert not site.by_operator("resume")
    assert site.row().state == "working"


@pytest.mark.parametrize("then", ["pause", "resume"])
def test_an_operators_word_during_a_probe_holds(site: Site, then: str) -> None:
    site.fail()
    claim = site.claim()
    probe = site.inner.standing

    def meanwhile(*about: Any) -> Any:
        site.by_operator(then)
        return probe(*about)

    site.inner.standing = meanwhile  # type: ignore[method-assign]
    reconciler = ProviderReconciler(site.world.context)
    reconciler.reconcile(claim)
    row = site.row()
    assert row.state == ("paused" if then == "pause" else "working")
    assert row.pause_ends == ("operator" if then == "pause" else "")
    while row.due_at is not None:
        reconciler.reconcile(site.claim())
        row = site.row()
    assert row.state == ("paused" if then == "pause" else "working")


def test_what_is_put_aside_while_it_is_resumed_is_not_forgotten(site: Site) -> None:
    world = site.world
    uuid = world.launch()
    world.go_on()
    site.fail()
    world.want(uuid, "stopped")
    (claim,) = world.claims()
    setbacks = world.reconciler._books.setbacks
    site.by_operator("resume")
    # It saw the pause a moment before.
    assert setbacks.put_aside(claim, "private", "it is paused") == Again(0, "it is paused")
    world.go_on(20)
    assert world.state(uuid) == "stopped"


def test_placement_takes_the_next_cloud(site: Site) -> None:
    world = site.world
    site.fail()
    uuid = world.launch()
    world.go_on()
    assert world.servers("public", uuid)
    assert not world.servers("private")
    placement = world.row(uuid).placement
    assert [verdict["reason"] for verdict in placement] == [
        "is paused: it fails",
        "used because Private cloud is paused and the organisation consents to overflow",
    ]


def test_what_found_no_cloud_is_woken(site: Site) -> None:
    world = site.world
    site.fail()
    site.pauses.pause("public", "it fails too", denied=False)
    uuid = world.launch()
    world.look()
    assert "Private cloud: is paused: it fails" in world.row(uuid).problem
    due_at = world.row(uuid).due_at
    assert due_at is not None
    assert due_at > world.clock() + timedelta(seconds=30)
    site.by_operator("resume")
    world.go_on(8)
    assert world.servers("private", uuid)


def test_one_that_left_the_settings_waits(site: Site) -> None:
    site.fail()
    del site.world.clouds["private"]
    outcome = site.probe()
    assert isinstance(outcome, Again)
    assert "no longer set up here" in outcome.problem


def test_something_unexpected_during_a_probe(site: Site) -> None:
    site.world.clouds["private"] = site.inner
    faulty(site.world, before={"standing": RuntimeError("a bug")})
    site.fail()
    claim, reconciler = site.claim(), ProviderReconciler(site.world.context)
    with pytest.raises(RuntimeError):
        reconciler.reconcile(claim)
    assert isinstance(reconciler.stumbled(claim), Again)
    assert site.probe() == Done()


# --- what was placed there before it was paused ---


def _placed(site: Site) -> UUID:
    """An appliance that has its place at the private cloud, which was not asked for it yet."""
    world = site.world
    uuid = world.launch()
    (claim,) = world.claims()
    records = world.reconciler._books.records
    records.placed(claim, records.view(claim))
    world.clock.advance(16)
    assert world.nodes(uuid)[0].asked_at is None
    return uuid


def test_what_it_was_not_asked_for_yet_goes_to_another_cloud(site: Site) -> None:
    world = site.world
    uuid = _placed(site)
    site.fail()
    world.go_on()
    assert site.inner.calls == []
    assert (world.state(uuid), len(world.servers("public", uuid))) == ("running", 1)
    assert world.shares("private")[1].appliances == 0
    assert world.shares("public")[1].appliances == 1
    assert "Private cloud was paused before it was asked for a server: it is placed anew" in (
        world.whys(uuid)
    )
    assert world.history(uuid)[1] == (
        "provisioning",
        "Public cloud: used because Private cloud is paused and the organisation consents to "
        "overflow",
    )


@pytest.mark.parametrize("call", ["find", "create"])
def test_where_our_credentials_are_refused_it_goes_at_once(site: Site, call: str) -> None:
    world = site.world
    site.inner.before[call] = Denied("the password has expired")
    uuid = world.launch()
    world.look()
    assert site.row().problem == "our credentials are refused: the password has expired"
    assert len(world.servers("public", uuid)) == 1
    assert world.servers("private") == []


def test_where_no_other_may_take_it_it_waits_and_is_woken(site: Site) -> None:
    world = site.world
    with world.database.writing() as session:
        session.execute(update(Subscription).values(overflow="never"))
    uuid = _placed(site)
    site.fail()
    world.look()
    row = world.row(uuid)
    assert (row.state, row.provider_id) == ("requested", None)
    assert "Private cloud: is paused: it fails" in row.problem
    assert "the organisation does not consent to overflow" in row.problem
    site.by_operator("resume")
    world.go_on()
    assert world.state(uuid) == "running"
    assert len(world.servers("private", uuid)) == 1


def test_one_that_is_deleted_meanwhile_does_not_wait_for_it(site: Site) -> None:
    uuid = _placed(site)
    site.fail()
    site.world.want(uuid, "deleted")
    site.world.look()
    assert (site.world.state(uuid), site.world.used()) == ("deleted", 0)
    assert site.inner.calls == []


def test_what_it_may_have_made_already_waits_there(site: Site) -> None:
    world = site.world
    site.inner.after["create"] = Temporary("it did not answer")
    uuid = world.launch()
    world.look()
    site.fail()
    world.go_on(60)
    row = world.row(uuid)
    assert (row.state, row.problem) == ("requested", "Private cloud: it is paused: it fails.")
    assert world.servers("public") == []
    site.by_operator("resume")
    world.go_on(20)
    assert world.state(uuid) == "running"
    assert (len(world.servers("private")), len(world.servers("public"))) == (1, 0)


def test_paused_between_the_look_and_the_call_it_was_not_asked(site: Site) -> None:
    world = site.world
    uuid = world.launch()
    look = site.inner.find

    def found(*about: Any) -> Any:
        seen = look(*about)
        site.fail()
        return seen

    site.inner.find = found  # type: ignore[method-assign]
    world.go_on()
    assert site.inner.calls == ["find"]
    assert (world.state(uuid), len(world.servers("public", uuid))) == ("running", 1)
