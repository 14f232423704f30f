"""What is at a cloud and bears an identity that has ended goes; what is unknown stays."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from cloudhands.burst.reconcilers.drift.reconciler import DriftReconciler
from cloudhands.burst.testing import SETTLE, World
from cloudhands.burst.testing_drift import counts, due, left_over, listed, running, server
from cloudhands.burst.testing_faults import present
from cloudhands.common import work
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.cloud import Identity
from cloudhands.common.listing import commands as listings
from cloudhands.common.listing.tables import ProviderListing


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
