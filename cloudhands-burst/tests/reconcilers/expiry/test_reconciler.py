from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from cloudhands.burst.reconcilers.expiry.reconciler import ExpiryReconciler
from cloudhands.common import history, work
from cloudhands.common.actor.tables import User
from cloudhands.common.appliance.queries import by_uuid
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.errors import ClaimLost, Conflict
from cloudhands.common.expiry import commands as expiry
from cloudhands.common.expiry.tables import Expiry
from cloudhands.common.mail.tables import Message
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.testing.factories import NOON, Factory

DAYS = 86_400
END = NOON + timedelta(days=30)


@pytest.fixture
def life(world):
    return Life(world)


class Life:
    """Appliances of one owner, and what is done about their end."""

    def __init__(self, world):
        self.world = world
        self.looks = 0

    def launch(self, days=30, state="running"):
        world = self.world
        with world.database.writing() as session:
            make = Factory(session, world.clock())
            organisation = session.get_one(Organisation, world.organisation_id)
            owner = session.get_one(User, world.owner_id)
            number = session.query(Appliance).count()
            made = make.appliance(organisation, owner, f"number {number}", lifetime_days=days)
            made.state, made.due_at = state, None
            return made.uuid

    def claims(self):
        with self.world.database.writing() as session:
            return list(work.claim(session, Expiry, self.world.clock(), 15, 100))

    def look(self):
        reconciler = ExpiryReconciler(self.world.context)
        claims = self.claims()
        self.looks += len(claims)
        return [reconciler.reconcile(claim) for claim in claims]

    def until(self, end):
        """Let time pass, and look whenever something is due."""
        while (due := self.next_due()) and due <= end:
            self.world.clock.moment = max(due, self.world.clock())
            self.look()
        self.world.clock.moment = end

    def next_due(self):
        with self.world.database.reading() as session:
            return work.next_due(session, Expiry)

    def mails(self):
        """What was posted, each as template and labels."""
        with self.world.database.reading() as session:
            rows = session.scalars(select(Message).order_by(Message.id)).all()
            return [
                (row.template, [one["label"] for one in row.values["appliances"]]) for row in rows
            ]

    def extend(self, uuid, days=30):
        world = self.world
        with world.database.writing() as session:
            owner = session.get_one(User, world.owner_id)
            appliance = by_uuid(session, uuid, lock=True)
            expiry.extend(session, owner, appliance, days, world.clock())

    def why(self, uuid):
        with self.world.database.reading() as session:
            return [(one.who, one.why) for one in reversed(history.latest(session, uuid))]

    def goal(self, uuid):
        return self.world.row(uuid).goal


def after(days):
    return NOON + timedelta(days=days)


def test_the_whole_way(life):
    uuid = life.launch()
    life.until(after(23) - timedelta(seconds=1))
    assert life.mails() == []
    life.until(after(23))
    assert life.mails() == [("expiry-reminder", ["number 0"])]
    life.until(after(30) - timedelta(seconds=1))
    assert [template for template, _ in life.mails()] == ["expiry-reminder"] * 2
    assert life.goal(uuid) == "running"
    life.until(END)
    row = life.world.row(uuid)
    assert (row.goal, row.expired_at) == ("stopped", END)
    assert row.due_at == END, "the reconciler of appliances is woken"
    life.until(after(37) - timedelta(seconds=1))
    assert life.goal(uuid) == "stopped"
    life.until(after(37))
    assert life.goal(uuid) == "deleted"
    assert [template for template, _ in life.mails()] == [
        *["expiry-reminder"] * 2,
        "expiry-stopped",
        "expiry-deletion",
    ]
    assert life.why(uuid)[1:] == [
        (
            "cloud-burst",
            "it expired, and will be deleted on 07 April 2026, 12:00 UTC unless it is extended",
        ),
        ("cloud-burst", "stopped, because it expired"),
        ("cloud-burst", "to be deleted, because it expired"),
    ]
    assert life.next_due() is None, "it costs nothing any more"
    assert life.looks <= 7


def test_what_never_expires_has_no_row(life):
    life.launch(days=None)
    assert life.next_due() is None


def test_one_mail_tells_of_all_that_expire_the_same_day(life):
    for hours in range(3):
        life.world.clock.moment = NOON + timedelta(hours=hours)
        life.launch()
    life.until(NOON + timedelta(hours=25))
    later = life.launch()
    life.until(after(30))
    others = ["number 0", "number 1", "number 2"]
    assert life.mails() == [
        ("expiry-reminder", others),
        ("expiry-reminder", ["number 3"]),
        ("expiry-reminder", others),
        ("expiry-stopped", others),
    ]
    goals = {one.label: one.goal for one in rows(life)}
    assert goals == {
        "number 0": "stopped",
        "number 1": "running",
        "number 2": "running",
        "number 3": "running",
    }
    life.until(after(40))
    assert len(life.mails()) == 8
    assert life.goal(later) == "deleted"


def test_workers_that_look_at_once_send_one_mail(life):
    uuids = [life.launch() for _ in range(6)]
    life.look()
    life.world.clock.moment = after(23)
    claims = life.claims()
    with ThreadPoolExecutor(8) as pool:
        reconcile = ExpiryReconciler(life.world.context).reconcile
        looks = [pool.submit(reconcile, claim) for claim in claims]
        asked = [pool.submit(life.extend, uuid) for uuid in uuids[:2]]
        for one in (*looks, *asked):
            one.result()
    life.look()
    told = sorted(label for _, labels in life.mails() for label in labels)
    assert set(told) >= {f"number {number}" for number in range(2, 6)}
    assert len(told) == len(set(told)), "nobody is told twice"
    assert len(life.mails()) == 1


def rows(life):
    with life.world.database.reading() as session:
        found = list(session.scalars(select(Appliance).order_by(Appliance.id)))
        session.expunge_all()
        return found


def test_two_owners_get_a_mail_each(life):
    life.launch()
    with life.world.database.writing() as session:
        make = Factory(session, NOON)
        organisation = session.get_one(Organisation, life.world.organisation_id)
        life.world.owner_id = make.member(organisation, "bob").id
    life.launch()
    life.until(after(23))
    with life.world.database.reading() as session:
        assert sorted(session.scalars(select(Message.to))) == [
            "alice@example.org",
            "bob@example.org",
        ]
        for once in session.scalars(select(Message.once)):
            assert "@" not in once


def test_a_week_without_anybody_looking_brings_one_mail_and_a_day_to_react(life):
    uuids = [life.launch(days) for days in (28, 29, 30, 31)]
    life.look()
    life.world.clock.moment = after(32)
    life.look()
    life.look()
    assert life.mails() == [("expiry-reminder", [f"number {number}" for number in range(4)])]
    assert {life.goal(uuid) for uuid in uuids} == {"running"}
    life.until(after(33))
    assert {life.goal(uuid) for uuid in uuids} == {"stopped"}
    assert [template for template, _ in life.mails()] == ["expiry-reminder", "expiry-stopped"]


def test_a_clock_that_jumps_a_year_deletes_nothing_at_once(life):
    uuid = life.launch()
    life.look()
    life.world.clock.moment = after(365)
    for _ in range(3):
        life.look()
    assert life.goal(uuid) == "running"
    life.until(after(366))
    assert life.goal(uuid) == "stopped"
    life.until(after(372))
    assert life.goal(uuid) == "stopped"
    # The clock is right again: nothing of it has happened yet.
    life.world.clock.moment = after(2)
    with life.world.database.writing() as session:
        session.query(Expiry).one().due_at = after(2)
    life.look()
    row = life.world.row(uuid)
    assert (row.goal, row.expired_at) == ("stopped", None)
    life.world.want(uuid, "running")
    life.until(after(29))
    templates = [template for template, _ in life.mails()]
    assert templates[-2:] == ["expiry-reminder"] * 2
    assert life.goal(uuid) == "running"


def test_what_has_expired_can_be_extended_and_then_started(life):
    uuid = life.launch()
    life.until(END)
    with life.world.database.writing() as session:
        by_uuid(session, uuid).state = "stopped"
    with pytest.raises(Conflict, match="has expired"):
        life.world.want(uuid, "running")
    life.extend(uuid)
    life.world.want(uuid, "running")
    row = life.world.row(uuid)
    assert (row.goal, row.expired_at, row.expires_at) == ("running", None, after(60))
    life.until(after(60) - timedelta(seconds=1))
    assert [template for template, _ in life.mails()] == [
        *["expiry-reminder"] * 2,
        "expiry-stopped",
        *["expiry-reminder"] * 2,
    ]
    assert life.goal(uuid) == "running"


def test_what_is_still_being_built_is_stopped_when_it_runs(life):
    uuid = life.launch(state="provisioning")
    life.until(END)
    assert (life.goal(uuid), life.world.row(uuid).expired_at) == ("running", END)
    with life.world.database.writing() as session:
        by_uuid(session, uuid).state = "running"
    life.until(END + timedelta(minutes=5))
    assert life.goal(uuid) == "stopped"


def test_what_is_deleted_meanwhile_is_left_alone(life):
    uuid, other = life.launch(), life.launch()
    life.look()
    life.world.want(uuid, "deleted")
    life.until(after(40))
    assert {tuple(labels) for _, labels in life.mails()} == {("number 1",)}
    assert len(life.why(uuid)) == 2
    assert life.goal(other) == "deleted"


def test_whoever_lost_the_claim_does_nothing(life):
    life.launch()
    life.look()
    life.world.clock.moment = after(23)
    (late,) = life.claims()
    life.world.clock.advance(20)
    life.look()
    with pytest.raises(ClaimLost):
        ExpiryReconciler(life.world.context).reconcile(late)
    assert len(life.mails()) == 1


def test_an_owner_without_an_address_is_told_of_to_who_helps(life):
    life.launch()
    with life.world.database.writing() as session:
        session.get_one(User, life.world.owner_id).mail = ""
    life.until(after(23))
    with life.world.database.reading() as session:
        assert session.scalars(select(Message.to)).all() == ["cloud-support@example.org"]
