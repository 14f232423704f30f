"""A clock that jumps by an hour costs a moment: in a claim, a backoff, while something settles."""

from datetime import timedelta
from threading import Event

import pytest
from sqlalchemy import update

from cloudhands.burst.loop import Loop
from cloudhands.burst.mail.gate import Gate
from cloudhands.burst.testing import SETTLE, HeldClock, World
from cloudhands.burst.testing_faults import faulty
from cloudhands.common import set_back
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.cloud import Temporary
from cloudhands.common.errors import ClaimLost
from cloudhands.common.provider.tables import Subscription
from cloudhands.common.testing.factories import NOON

HOUR = 3600.0


class Hands:
    """A loop whose both clocks are moved by hand; the clouds' own goes on evenly."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seconds = 0.0
        ours, self.theirs = world.clock, HeldClock()
        world.clock = self.theirs
        world.clouds.update({name: world.simulated(name) for name in world.clouds})
        world.clock = ours
        self.loop = Loop(world.context, [world.reconciler], Event(), lambda: self.seconds)

    def pass_(self, seconds: float, jump: float = 0) -> None:
        """So long passes, in which the clock is set forward or back; then all due is done."""
        self.seconds += seconds
        self.theirs.advance(seconds)
        self.world.clock.advance(seconds + jump)
        self.loop.once()


def test_set_back_during_a_backoff(world: World) -> None:
    hands = Hands(world)
    uuid = world.launch()
    faulty(world, before={"find": Temporary("it is busy", retry_after=30)})
    hands.pass_(0)
    hands.pass_(5, jump=-HOUR)
    for _ in range(20):
        hands.pass_(1)
    assert (world.state(uuid), world.row(uuid).problem) == ("running", "")
    assert len(world.servers("private")) == 1


def test_set_back_during_a_claim_whose_holder_was_killed(world: World) -> None:
    hands = Hands(world)
    uuid = world.launch()
    for _ in range(10):
        hands.pass_(1)
    world.want(uuid, "stopped")
    assert len(world.claims()) == 1, "and it is killed"
    hands.pass_(5, jump=-HOUR)
    for _ in range(40):
        hands.pass_(1)
    assert world.state(uuid) == "stopped"


def test_set_back_while_it_settles_and_a_cloud_counts_as_full(world: World) -> None:
    hands = Hands(world)
    uuid = world.launch()
    cloud = faulty(world, before={"create": Temporary("it did not answer in time")})
    hands.pass_(0)
    with world.database.writing() as session:
        full = world.clock() + timedelta(seconds=60)
        session.execute(update(Subscription).values(full_until=full))
    hands.pass_(1, jump=-HOUR)
    for _ in range(SETTLE + 20):
        hands.pass_(1)
    assert cloud.calls.count("create") == 2, "no more than one lost its reply"
    assert (world.state(uuid), len(world.servers("private"))) == ("running", 1)
    other = world.launch()
    hands.pass_(1)
    assert world.servers("private", other), "nobody knows how old that mark is"


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_whoever_holds_a_claim_meanwhile_does_no_harm(world: World, jump: float) -> None:
    uuid = world.launch()
    (claim,) = world.claims()
    world.clock.advance(jump)
    for other in world.claims():
        world.reconciler.reconcile(other)
    try:
        outcome = world.reconciler.reconcile(claim)
    except ClaimLost:
        outcome = None
    assert (outcome is None) == (jump > 0), "set forward, another has it by now"
    world.go_on(20)
    assert world.state(uuid) == "running"
    assert len(world.servers("private")) == 1


def test_set_forward_during_a_backoff_and_while_it_settles(world: World) -> None:
    hands = Hands(world)
    uuid = world.launch()
    # It took effect, and is seen at the next look: whatever the clock says.
    faulty(world, after={"create": Temporary("it did not answer in time")})
    hands.pass_(0)
    hands.pass_(1, jump=HOUR)
    for _ in range(10):
        hands.pass_(1)
    assert (world.state(uuid), len(world.servers("private"))) == ("running", 1)


def test_doing_it_twice_does_no_harm(world: World) -> None:
    uuid = world.launch()
    (claim,) = world.claims()
    for _ in range(2):
        with world.database.writing() as session:
            set_back.look_again(session, Appliance, world.clock(), 15)
    row = world.row(uuid)
    assert (row.claim_token, row.claim_until) == (claim.token, NOON + timedelta(seconds=15))


def test_a_small_step_is_waited_for(world: World) -> None:
    hands = Hands(world)
    uuid = world.launch()
    faulty(world, before={"find": Temporary("it is busy", retry_after=30)})
    hands.pass_(0)
    due_at = world.row(uuid).due_at
    hands.pass_(1, jump=-20)
    assert world.row(uuid).due_at == due_at


def test_mail_is_not_held_back_for_an_hour() -> None:
    gate = Gate(10)
    gate.failed("it is away", NOON)
    assert gate.closed(NOON)
    assert gate.closed(NOON - timedelta(hours=1)) is None
