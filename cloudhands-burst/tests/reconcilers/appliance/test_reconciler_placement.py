"""The reconciler puts each appliance where there is room for it."""

from datetime import timedelta

from sqlalchemy import select, update

from cloudhands.burst.outcome import Again, Failed
from cloudhands.burst.testing import World
from cloudhands.burst.testing_faults import faulty
from cloudhands.common.cloud import (
    Full,
)
from cloudhands.common.provider.tables import Subscription
from cloudhands.common.testing.factories import NOON, Factory


def test_six_launches_on_a_cloud_for_four(world: World) -> None:
    launched = [world.launch() for _ in range(6)]
    cloud = faulty(world)
    world.go_on()
    assert {world.state(uuid) for uuid in launched} == {"running"}
    assert (len(world.servers("private")), len(world.servers("public"))) == (4, 2)
    assert cloud.calls.count("create") == 5, "the sixth knows that it is full"
    reason = (
        "used because Private cloud is full and the organisation consents to overflow",
        "was full at 12:00 UTC",
    )
    private = "Private cloud: chosen, first by priority"
    whys = [private] * 4 + [f"Public cloud: {reason[0]}"] * 2
    for uuid, why in zip(launched, whys, strict=True):
        assert world.history(uuid) == [
            ("requested", "asked for Analysis desktop, small"),
            ("provisioning", why),
            ("running", "the cloud runs it"),
        ]
    row = world.row(launched[-1])
    told = [(each["provider"], each["chosen"], each["reason"]) for each in row.placement]
    assert told == [("private", False, reason[1]), ("public", True, reason[0])]
    assert row.provider is not None
    assert row.provider.name == "public"


def test_all_six_at_once_go_the_same_ways(world: World) -> None:
    launched = [world.launch() for _ in range(6)]
    loop = world.loop()
    loop.once()
    world.clock.advance(5)
    loop.once()
    loop.drain(5)
    assert {world.state(uuid) for uuid in launched} == {"running"}
    assert (len(world.servers("private")), len(world.servers("public"))) == (4, 2)


def test_without_consent_it_waits_until_there_is_room(world: World) -> None:
    with world.database.writing() as session:
        session.execute(update(Subscription).values(overflow="never"))
    launched = [world.launch() for _ in range(5)]
    world.go_on()
    (waiting,) = [uuid for uuid in launched if world.state(uuid) != "running"]
    row = world.row(waiting)
    assert row.state == "requested"
    assert row.problem == (
        "No cloud can take it. Private cloud: was full at 12:00 UTC; "
        "Public cloud: is public, and the organisation does not consent to overflow."
    )
    assert row.due_at == NOON + timedelta(seconds=60)
    world.want(launched[0], "deleted")
    world.go_on(60)
    assert world.state(waiting) == "running"
    assert world.row(waiting).problem == ""


def test_where_something_has_ended_the_quota_has_room_again(world: World) -> None:
    launched = world.launch()
    world.go_on()
    with world.database.writing() as session:
        told = {"appliances": {"used": 1, "limit": 1}}
        used_up = {"overflow": "never", "quota": told, "read_at": world.clock()}
        session.execute(update(Subscription).values(used_up))
    waiting = world.launch()
    world.go_on()
    assert "0 of 1 appliances are left" in world.row(waiting).problem
    world.want(launched, "deleted")
    world.go_on(60)
    assert world.state(waiting) == "running"


def test_where_it_was_refused_the_quota_stays_as_it_was_read(world: World) -> None:
    told = {"vcpus": {"used": 4, "limit": 100}}
    with world.database.writing() as session:
        session.execute(update(Subscription).values(quota=told, read_at=world.clock()))
    faulty(world, before={"create": Full("it has no room")})
    world.launch()
    world.go_on(1)
    with world.database.reading() as session:
        read = session.scalars(select(Subscription).order_by(Subscription.priority)).first()
        assert read is not None
        assert read.full_until is not None
        assert read.read_at == NOON


def test_while_it_waits_its_history_does_not_grow(world: World) -> None:
    with world.database.writing() as session:
        session.execute(update(Subscription).values(overflow="never"))
    launched = [world.launch() for _ in range(5)]
    cloud = faulty(world)
    world.go_on(10)
    (waiting,) = [uuid for uuid in launched if world.state(uuid) != "running"]
    for _ in range(5):
        asked, version = cloud.calls.count("create"), world.row(waiting).version
        world.go_on(60)
        assert cloud.calls.count("create") == asked + 1, "it is asked for again"
        assert "was full at" in world.row(waiting).problem
        assert world.row(waiting).version > version, "when it was full has changed"
        assert world.states(waiting) == ["requested"]
        assert world.nodes(waiting) == []
    world.want(launched[0], "deleted")
    world.go_on(70)
    assert world.states(waiting) == ["requested", "provisioning", "running"]


def test_where_no_cloud_can_ever_take_it_it_fails(world: World) -> None:
    with world.database.writing() as session:
        session.execute(update(Subscription).values(state="inactive"))
    uuid = world.launch()
    (outcome,) = world.look()
    assert isinstance(outcome, Failed)
    assert "is no longer used by the organisation" in outcome.reason
    assert world.history(uuid)[-1] == ("failed", outcome.reason)


def test_a_mark_of_fullness_counts_for_every_appliance(world: World) -> None:
    with world.database.writing() as session:
        session.execute(update(Subscription).values(full_until=NOON + timedelta(seconds=9)))
    uuid = world.launch()
    assert world.look() == [Again(9.0, world.row(uuid).problem)]
    assert world.row(uuid).version == 2, "one for the request, one for the problem"


def test_what_is_full_for_one_organisation_is_not_for_another(world: World) -> None:
    ours = world.launch()
    faulty(world, before={"create": Full("its quota is used up")})
    world.look()
    with world.database.writing() as session:
        make = Factory(session)
        other = make.organisation("other")
        theirs = make.appliance(other, make.member(other)).uuid
    world.look()
    assert [reason for _, reason in world.history(ours)][-1].startswith("Public cloud: used")
    assert world.history(theirs)[-1] == (
        "provisioning",
        "Private cloud: chosen, first by priority",
    )
