"""A claim fences: what a person or another worker did meanwhile is neither lost nor undone."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from cloudhands.burst.outcome import Again
from cloudhands.burst.reconcilers.appliance.record import Records
from cloudhands.burst.reconcilers.appliance.view import View
from cloudhands.burst.testing import World
from cloudhands.burst.testing_faults import (
    Broken,
    Faulty,
    at_the_cloud,
    faulty,
    look_again,
    present,
)
from cloudhands.common import work
from cloudhands.common.appliance.tables import Node
from cloudhands.common.cloud import (
    Full,
    Identity,
    Server,
    ServerSpec,
    Temporary,
)
from cloudhands.common.errors import ClaimLost


def test_a_wish_during_a_claim_is_not_slept_over(world: World) -> None:
    uuid = world.launch()
    (claim,) = world.claims()
    world.want(uuid, "deleted")
    world.reconciler.reconcile(claim)
    row = world.row(uuid)
    assert row.state == "deleted" or row.due_at == world.clock()
    world.look()
    assert world.row(uuid).goal == "deleted"


def test_a_wish_that_came_after_the_look_is_not_slept_over(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    at_the_cloud(world, "stop")
    look_again(world)
    (claim,) = world.claims()

    class Wishing(Faulty):
        def observe(self, server_id: str) -> Server:
            server = super().observe(server_id)
            world.want(uuid, "deleted")
            return server

    world.clouds["private"] = Wishing(world.clouds["private"])
    world.reconciler.reconcile(claim)
    row = world.row(uuid)
    assert row.goal == "deleted", "an unasked stop does not take a wish back"
    assert row.due_at == world.clock()


def test_what_a_person_changed_meanwhile_is_looked_at_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    uuid = world.launch()
    world.go_on()
    world.clouds["private"] = Broken(world.clouds["private"])
    look_again(world)
    world.look()
    look_again(world)
    (claim,) = world.claims()
    view = Records.view

    def and_then_retried(self: Records, claim: work.Claim) -> View:
        seen = view(self, claim)
        world.retry(uuid)
        return seen

    with monkeypatch.context() as patched:
        patched.setattr(Records, "view", and_then_retried)
        assert world.reconciler.reconcile(claim) == Again(0)
    row = world.row(uuid)
    assert (row.state, row.due_at) == ("failed", world.clock())
    world.look()
    assert world.state(uuid) == "requested"


def test_a_worker_that_was_frozen_past_its_claim_records_nothing(world: World) -> None:
    uuid = world.launch()
    (frozen,) = world.claims()

    world.clouds["private"] = Slow(world, world.go_on)
    with pytest.raises(ClaimLost):
        world.reconciler.reconcile(frozen)
    assert world.state(uuid) == "running"
    assert present(world) == [node.server_id for node in world.nodes(uuid)]
    world.want(uuid, "deleted")
    world.go_on(20)
    assert world.servers("private") == []


class Slow(Faulty):
    """Takes longer than a claim to make its first server; other things happen meanwhile.

    :param meanwhile: what happens before the server is there.
    """

    def __init__(self, world: World, meanwhile: Callable[[], object]) -> None:
        super().__init__(world.clouds["private"])
        self._world = world
        self._meanwhile = meanwhile

    def create(self, spec: ServerSpec) -> Server:
        self._world.clock.advance(16)
        self._world.clouds["private"] = self._cloud
        self._meanwhile()
        return super().create(spec)


def create_slowly(world: World, meanwhile: Callable[[], object]) -> None:
    """Let a worker lose its claim while it makes a server."""
    (claim,) = world.claims()
    world.clouds["private"] = Slow(world, meanwhile)
    with pytest.raises(ClaimLost):
        world.reconciler.reconcile(claim)


def test_a_server_that_came_after_another_workers_is_deleted(world: World) -> None:
    uuid = world.launch()
    create_slowly(world, world.look)
    assert present(world) == [node.server_id for node in world.nodes(uuid)]
    world.go_on()
    assert world.state(uuid) == "running"
    assert len(world.servers("private")) == 1


def test_a_server_that_came_after_the_deletion_is_deleted(world: World) -> None:
    uuid = world.launch()

    def delete() -> None:
        world.want(uuid, "deleted")
        world.look()

    create_slowly(world, delete)
    assert world.state(uuid) == "deleted"
    assert present(world) == []


def test_a_server_that_came_after_the_move_to_another_cloud_is_deleted(world: World) -> None:
    uuid = world.launch()

    def move_on() -> None:
        faulty(world, before={"create": Full("no room")})
        world.look()

    create_slowly(world, move_on)
    assert present(world) == []
    assert present(world, "public") == [world.nodes(uuid)[-1].server_id]


def test_a_server_that_came_while_another_worker_looked_is_kept(world: World) -> None:
    uuid = world.launch()
    taken: list[work.Claim] = []
    create_slowly(world, lambda: taken.extend(world.claims()))
    world.reconciler.reconcile(taken[0])
    world.go_on()
    assert world.state(uuid) == "running"
    assert len(world.servers("private")) == 1


def test_what_cannot_be_cleared_away_is_reaped_later(world: World) -> None:
    uuid = world.launch()

    def look() -> None:
        world.look()
        faulty(world, before={"delete": Temporary("it is busy")})

    create_slowly(world, look)
    assert len(present(world)) == 2
    world.go_on()
    assert world.state(uuid) == "running"
    assert len(world.servers("private")) == 1


def test_a_claim_is_renewed_on_the_way(world: World) -> None:
    world.launch()
    (claim,) = world.claims()

    class Dawdling(Faulty):
        def find(self, identity: Identity) -> Sequence[Server]:
            world.clock.advance(10)
            return super().find(identity)

        def observe(self, server_id: str) -> Server:
            world.clock.advance(10)
            assert world.claims() == []
            return super().observe(server_id)

    world.clouds["private"] = Dawdling(world.clouds["private"])
    world.reconciler.reconcile(claim)


def test_a_claim_is_renewed_before_a_server_is_asked_for(world: World) -> None:
    uuid = world.launch()
    (claim,) = world.claims()

    class Dawdling(Faulty):
        def find(self, identity: Identity) -> Sequence[Server]:
            world.clock.advance(10)
            return super().find(identity)

        def create(self, spec: ServerSpec) -> Server:
            world.clock.advance(10)
            assert world.claims() == []
            return super().create(spec)

    world.clouds["private"] = Dawdling(world.clouds["private"])
    world.reconciler.reconcile(claim)
    assert world.state(uuid) == "provisioning"


def test_a_worker_that_was_frozen_before_it_asks_for_a_server_asks_for_none(
    world: World,
) -> None:
    uuid = world.launch()
    (frozen,) = world.claims()

    class Dawdling(Faulty):
        def find(self, identity: Identity) -> Sequence[Server]:
            found = super().find(identity)
            world.clock.advance(16)
            world.clouds["private"] = self._cloud
            world.look()
            return found

    slow = Dawdling(world.clouds["private"])
    world.clouds["private"] = slow
    with pytest.raises(ClaimLost):
        world.reconciler.reconcile(frozen)
    assert "create" not in slow.calls
    assert present(world) == [node.server_id for node in world.nodes(uuid)]


def test_no_transaction_is_open_during_a_call(world: World) -> None:
    world.launch()
    open_ones: list[int] = []

    class Watching(Faulty):
        def _call(self, name: str, *about: object) -> Any:
            open_ones.append(world.database.engine.pool.checkedout())  # type: ignore[attr-defined]
            return super()._call(name, *about)

    world.clouds["private"] = Watching(world.clouds["private"])
    world.look()
    assert open_ones == [0, 0, 0]


def test_two_nodes_never_live_at_once(world: World) -> None:
    world.launch()
    world.look()
    with world.database.reading() as session:
        living = session.query(Node).filter_by(ended_at=None)
        assert living.count() == 1
