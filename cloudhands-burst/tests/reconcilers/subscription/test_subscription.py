"""Subscriptions are checked: at first, when the catalogue changes, every hour, after trouble."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from cloudhands.burst.calls import connected
from cloudhands.burst.metrics import Metrics
from cloudhands.burst.outcome import Again, Done
from cloudhands.burst.pauses import Pauses
from cloudhands.burst.reconcilers.subscription.reconciler import SubscriptionReconciler
from cloudhands.burst.testing import World
from cloudhands.burst.testing_faults import faulty
from cloudhands.common import history, work
from cloudhands.common.cloud import Denied, Temporary
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.commands import check_soon
from cloudhands.common.provider.tables import Provider, Subscription
from cloudhands.common.testing.factories import ITEM, Factory


class Checks:
    """The private cloud's subscription of the world's organisation."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seconds = 0.0
        self.reconciler = SubscriptionReconciler(world.context, lambda: self.seconds)
        with world.database.writing() as session:
            Factory(session).item()
            session.execute(update(Subscription).values(due_at=None))
        self.become("unchecked")

    def become(self, state: str) -> None:
        with self.world.database.writing() as session:
            session.execute(
                update(Subscription)
                .where(Subscription.id == self.row().id)
                .values(state=state, due_at=self.world.clock())
            )

    def row(self) -> Subscription:
        with self.world.database.reading() as session:
            found = session.scalars(
                select(Subscription)
                .join(Provider, Provider.id == Subscription.provider_id)
                .where(Provider.name == "private")
            ).one()
            session.expunge_all()
            return found

    def check(self) -> object:
        """Check it when it is due."""
        due_at, self.seconds = self.row().due_at, self.seconds + 3600
        assert due_at is not None
        self.world.clock.moment = max(due_at, self.world.clock())
        with self.world.database.writing() as session:
            claims = work.claim(session, Subscription, self.world.clock(), 15, 10)
        (claim,) = [claim for claim in claims if claim.id == self.row().id]
        return self.reconciler.reconcile(claim)

    def told(self) -> list[tuple[str | None, str]]:
        with self.world.database.reading() as session:
            events = history.latest(session, self.row().uuid)
        return [(event.to_state, event.why) for event in reversed(events)][1:]


@pytest.fixture
def checks(world: World) -> Checks:
    return Checks(world)


def test_one_that_can_be_used_becomes_active_and_its_quota_is_kept(checks: Checks) -> None:
    world = checks.world
    outcome = checks.check()
    row = checks.row()
    assert (row.state, row.problem, row.attempt) == ("active", "", 0)
    assert row.quota is not None
    assert row.quota["appliances"] == {"used": 0, "limit": 4}
    assert row.quota["addresses"]["used"] == 0
    assert row.read_at == world.clock()
    assert isinstance(outcome, Again)
    assert 1800 <= outcome.after <= 3600
    assert checks.told() == [("active", "the cloud can be used")]
    version = row.version
    checks.check()
    assert checks.row().version == version, "nothing new is no change"


def test_what_waited_for_it_is_launched(checks: Checks) -> None:
    world = checks.world
    with world.database.writing() as session:
        session.execute(update(Subscription).values(state="unchecked"))
    uuid = world.launch()
    world.look()
    assert "Private cloud: has not been checked yet" in world.row(uuid).problem
    checks.check()
    assert world.row(uuid).due_at == world.clock()
    world.go_on()
    assert world.servers("private", uuid)


def test_refused_credentials_and_back(checks: Checks) -> None:
    faulty(checks.world, before={"standing": Denied("the password has expired.")})
    outcome = checks.check()
    row = checks.row()
    assert row.state == "maintenance"
    assert row.problem == "our credentials are refused: the password has expired"
    assert isinstance(outcome, Again)
    assert 30 <= outcome.after <= 60
    checks.check()
    assert (checks.row().state, checks.row().problem) == ("active", "")
    assert checks.told() == [
        ("maintenance", "our credentials are refused: the password has expired"),
        ("unchecked", "it was looked at again"),
        ("active", "the cloud can be used"),
    ]


def test_a_catalogue_that_names_what_the_cloud_lacks(checks: Checks) -> None:
    checks.check()
    changed = ITEM.model_copy(update={"images": {"private": "debian-99", "public": "debian-12"}})
    with checks.world.database.writing() as session:
        Factory(session, checks.world.clock()).item(changed)
    assert checks.row().due_at == checks.world.clock(), "looked at with the new catalogue at once"
    checks.check()
    row = checks.row()
    assert row.state == "maintenance"
    assert row.problem == "it has none of the images that the catalogue names there: 'debian-99'"
    also = ITEM.model_copy(update={"name": "other", "title": "Another"})
    with checks.world.database.writing() as session:
        Factory(session, checks.world.clock()).item(also)
    checks.check()
    row = checks.row()
    assert (row.state, row.problem) == ("active", "it lacks the image 'debian-99'")
    assert checks.world.launch(), "the rest can be launched"


@pytest.mark.parametrize("state", ["unchecked", "active", "maintenance"])
def test_a_cloud_that_does_not_answer_says_nothing_of_it(checks: Checks, state: str) -> None:
    checks.become(state)
    faulty(checks.world, before={"standing": Temporary("it did not answer.")})
    outcome = checks.check()
    row = checks.row()
    assert (row.state, row.problem, row.attempt) == (state, "it did not answer", 1)
    assert isinstance(outcome, Again)
    assert outcome.after <= 1
    checks.check()
    assert (checks.row().state, checks.row().problem) == ("active", "")


def test_one_that_the_operator_ended_is_left_alone(checks: Checks) -> None:
    checks.become("inactive")
    cloud = faulty(checks.world)
    assert checks.check() == Done()
    assert checks.row().due_at is None
    with checks.world.database.writing() as session:
        check_soon(session, checks.world.clock())
    assert checks.row().due_at is None
    assert cloud.calls == []


def test_one_answer_serves_all_that_use_the_provider(checks: Checks) -> None:
    world = checks.world
    with world.database.writing() as session:
        make = Factory(session)
        for number in range(5):
            make.organisation(f"organisation{number + 10}")
        check_soon(session, world.clock(), spread=10)
    cloud = faulty(world)
    world.clock.advance(10)
    with world.database.writing() as session:
        claims = work.claim(session, Subscription, world.clock(), 15, 100)
        assert session.query(Organisation).count() * 2 == len(claims)
    for claim in claims:
        checks.reconciler.reconcile(claim)
    assert cloud.calls == ["standing"]
    with world.database.reading() as session:
        assert {row.state for row in session.scalars(select(Subscription))} == {"active"}


def test_a_paused_provider_is_not_asked(checks: Checks) -> None:
    world = checks.world
    pauses = Pauses(world.database, world.settings, world.clock)
    pauses.pause("private", "it fails", denied=False)
    world.clouds.update(connected(world.clouds, world.settings, pauses, Metrics()))
    outcome = checks.check()
    assert isinstance(outcome, Again)
    assert outcome.after >= 300
    row = checks.row()
    assert (row.state, row.problem) == ("unchecked", "it is paused: it fails")


def test_something_unexpected_is_told(checks: Checks) -> None:
    checks.world.clock.advance(timedelta(hours=1).total_seconds())
    with checks.world.database.writing() as session:
        (claim, *_) = work.claim(session, Subscription, checks.world.clock(), 15, 10)
    outcome = checks.reconciler.stumbled(claim)
    assert isinstance(outcome, Again)
    assert outcome.problem.startswith("Something unexpected went wrong here.")


def test_one_that_left_the_settings(checks: Checks) -> None:
    del checks.world.clouds["private"]
    checks.check()
    row = checks.row()
    assert row.state == "maintenance"
    assert "it is no longer set up here" in row.problem
