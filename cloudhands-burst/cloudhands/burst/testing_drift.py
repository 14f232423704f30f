"""What tests of drift ask of a world: list the private cloud, and look what came of it."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from cloudhands.burst.reconcilers.drift.reconciler import DriftReconciler
from cloudhands.burst.testing import World
from cloudhands.common import work
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.cloud import Identity, ServerSpec
from cloudhands.common.listing import commands as listings
from cloudhands.common.listing.queries import by_provider
from cloudhands.common.listing.tables import ProviderListing


def listed(world: World) -> list[Any]:
    """List the private cloud, as every so many seconds."""
    with world.database.writing() as session:
        listings.begin(session, "private", world.clock())
        claims = work.claim(session, ProviderListing, world.clock(), 15, 10)
    reconciler = DriftReconciler(world.context)
    return [reconciler.reconcile(claim) for claim in claims]


def counts(world: World) -> dict[str, Any]:
    """What the last listing of the private cloud found."""
    with world.database.reading() as session:
        return by_provider(session)["private"].found


def running(world: World, number: int = 1) -> list[UUID]:
    """Launch appliances, and go on until they run."""
    uuids = [world.launch() for _ in range(number)]
    world.go_on(20)
    assert {world.state(uuid) for uuid in uuids} == {"running"}
    return uuids


def due(world: World) -> set[UUID]:
    """The appliances that will be looked at."""
    with world.database.reading() as session:
        return set(session.scalars(select(Appliance.uuid).where(Appliance.due_at.is_not(None))))


def server(world: World, uuid: UUID) -> str:
    """The cloud's id of an appliance's server."""
    (node,) = [node for node in world.nodes(uuid) if node.ended_at is None]
    assert node.server_id is not None
    return node.server_id


def left_over(world: World, uuid: UUID, generation: int = 1) -> str:
    """A server that comes to be after everything of it was found gone."""
    identity = Identity(world.installation, str(uuid), generation)
    spec = ServerSpec(identity, "late", "debian-12", "m1.small")
    return world.clouds["private"].create(spec).id
