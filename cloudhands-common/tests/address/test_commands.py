"""Pools, and what a node holds."""

import functools
import threading
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudhands.common.address import commands, queries
from cloudhands.common.address.tables import HeldAddress, Pool, PoolAddress
from cloudhands.common.appliance.queries import addresses_of
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.cloud import Address
from cloudhands.common.db import Database
from cloudhands.common.errors import InvalidInput, LimitReached, NotFound
from cloudhands.common.history import latest
from cloudhands.common.provider.commands import provider
from cloudhands.common.provider.tables import Provider
from cloudhands.common.testing.databases import short_lived
from cloudhands.common.testing.factories import NOON, Factory
from cloudhands.common.testing.plans import counted, explained

LATER = NOON + timedelta(minutes=1)


@dataclass
class Scene:
    session: Session
    make: Factory

    def __post_init__(self) -> None:
        self.organisation = self.make.organisation(limit=100)
        self.owner = self.make.member(self.organisation)
        self.provider: Provider = provider(self.session, "private", NOON)

    def pool(self, addresses: str, network: str = "campus") -> Pool:
        operator = self.make.operator
        return commands.define_pool(self.session, operator, self.provider, network, addresses, NOON)

    def node(self) -> Node:
        appliance = self.make.appliance(self.organisation, self.owner)
        appliance.due_at = None
        node = Node(appliance=appliance, generation=1, provider=self.provider, made_at=NOON)
        self.session.add(node)
        self.session.flush()
        return node

    def allot(self, node: Node, network: str = "campus") -> str:
        return commands.allot(self.session, node, network, NOON).address

    def hold(self, node: Node, *addresses: str) -> list[str]:
        seen = [Address("campus", address) for address in addresses]
        disputed = commands.hold(self.session, node, seen, LATER)
        self.session.flush()
        return disputed

    def use(self, pool: Pool) -> tuple[int, int]:
        self.session.flush()
        return queries.use(self.session, pool)[2:]


@pytest.fixture
def scene(rolled_back: Session) -> Scene:
    return Scene(rolled_back, Factory(rolled_back))


def test_a_pool_is_defined_and_added_to(scene: Scene) -> None:
    pool = scene.pool("192.0.2.0/30")
    assert scene.use(pool) == (2, 0)
    assert scene.pool("192.0.2.2-192.0.2.5") is pool
    assert scene.use(pool) == (5, 0)
    other = scene.pool("192.0.2.0/30", "storage")
    assert queries.every_use(scene.session) == [
        ("private", "campus", 5, 0),
        ("private", "storage", 2, 0),
    ]
    assert [event.why for event in latest(scene.session, pool.uuid)] == [
        "added 192.0.2.2 to 192.0.2.5",
        "added 192.0.2.1 to 192.0.2.2",
    ]
    assert scene.use(other) == (2, 0)


def test_only_the_operator_defines_pools(scene: Scene) -> None:
    for actor in (scene.owner, scene.make.burst):
        with pytest.raises(NotFound):
            commands.define_pool(
                scene.session, actor, scene.provider, "campus", "192.0.2.0/30", NOON
            )
    for network, addresses in (("campus", "nonsense"), ("campus", "10.0.0.0/8"), ("", "::1")):
        with pytest.raises(InvalidInput):
            scene.pool(addresses, network)
    assert queries.every_use(scene.session) == []


def test_the_lowest_free_one_is_allotted_by_number_and_not_by_text(scene: Scene) -> None:
    pool = scene.pool("192.0.2.9-192.0.2.10")
    scene.pool("192.0.2.2")
    first = scene.node()
    assert scene.allot(first) == "192.0.2.2"
    assert scene.allot(first) == "192.0.2.2", "it has one"
    assert [scene.allot(scene.node()) for _ in range(2)] == ["192.0.2.9", "192.0.2.10"]
    assert scene.use(pool) == (0, 3)
    with pytest.raises(LimitReached, match=r"No address of campus at private is free.*pool define"):
        scene.allot(scene.node())
    commands.release(scene.session, first, LATER)
    assert scene.use(pool) == (1, 2)
    assert scene.allot(scene.node()) == "192.0.2.2"


def test_a_network_without_a_pool(scene: Scene) -> None:
    scene.pool("192.0.2.2")
    with pytest.raises(NotFound, match="cloud-admin pool define private storage"):
        scene.allot(scene.node(), "storage")


def test_what_was_allotted_stays_whatever_the_cloud_shows(scene: Scene) -> None:
    pool, node = scene.pool("192.0.2.2"), scene.node()
    scene.allot(node)
    assert scene.hold(node, "10.0.0.1") == []
    assert sorted(addresses_of(scene.session, node.appliance_id)) == ["10.0.0.1", "192.0.2.2"]
    assert scene.hold(node, "192.0.2.2") == []
    assert addresses_of(scene.session, node.appliance_id) == ["192.0.2.2"]
    assert scene.use(pool) == (0, 1)
    commands.release(scene.session, node, LATER)
    assert addresses_of(scene.session, node.appliance_id) == []
    assert scene.use(pool) == (1, 0)


def test_what_the_cloud_gave_out_of_a_pool_is_not_free(scene: Scene) -> None:
    pool, node = scene.pool("192.0.2.2-192.0.2.3"), scene.node()
    assert scene.hold(node, "192.0.2.2") == []
    assert scene.use(pool) == (1, 1)
    assert scene.allot(scene.node()) == "192.0.2.3"
    assert scene.hold(node) == []
    assert scene.use(pool) == (1, 1)
    assert scene.allot(scene.node()) == "192.0.2.2"


def test_a_pool_that_comes_later_knows_what_is_held(scene: Scene) -> None:
    node = scene.node()
    scene.hold(node, "192.0.2.2")
    pool = scene.pool("192.0.2.2-192.0.2.4")
    assert scene.use(pool) == (2, 1)
    # As a release that knew no pools would leave them.
    scene.session.query(HeldAddress).update({"released_at": NOON})
    scene.pool("192.0.2.4")
    assert scene.use(pool) == (3, 0)
    scene.hold(scene.node(), "192.0.2.3")
    scene.session.query(PoolAddress).update({"free": True})
    assert [scene.allot(scene.node()) for _ in range(2)] == ["192.0.2.2", "192.0.2.4"]
    with pytest.raises(LimitReached):
        scene.allot(scene.node())


def test_an_address_that_another_node_holds_is_disputed(scene: Scene) -> None:
    scene.pool("192.0.2.2")
    holder, other = scene.node(), scene.node()
    scene.allot(holder)
    assert scene.hold(other, "192.0.2.2", "192.0.2.3") == ["192.0.2.2"]
    assert addresses_of(scene.session, other.appliance_id) == ["192.0.2.3"]
    scene.session.expire_all()
    assert scene.session.get_one(Appliance, holder.appliance_id).due_at == LATER


def test_a_holder_is_looked_at_though_it_was_just_left_at_rest(scene: Scene) -> None:
    holder = scene.node()
    scene.hold(holder, "192.0.2.1")
    appliance = scene.session.get_one(Appliance, holder.appliance_id)
    appliance.due_at = NOON
    other = scene.node()
    with scene.session.no_autoflush:
        appliance.due_at = None  # recorded before, in a session that writes at its end
        assert scene.hold(other, "192.0.2.1") == ["192.0.2.1"]
    scene.session.expire_all()
    assert appliance.due_at == LATER


def test_what_is_held_already_takes_one_query_and_a_new_address_two_more(scene: Scene) -> None:
    node = scene.node()
    with counted(scene.session) as made:
        assert scene.hold(node, "192.0.2.2") == []
        assert len(made) == 3
    with counted(scene.session) as made:
        assert scene.hold(node, "192.0.2.2") == []
        assert len(made) == 1


def test_an_address_goes_from_one_to_another_in_a_session_that_writes_at_its_end(
    scene: Scene,
) -> None:
    pool = scene.pool("192.0.2.2-192.0.2.3")
    one, other = scene.node(), scene.node()
    scene.session.autoflush = False
    hold = functools.partial(commands.hold, scene.session, now=LATER)
    assert hold(one, [Address("campus", "192.0.2.2")]) == []
    assert hold(one, [Address("campus", "192.0.2.3")]) == []
    assert hold(other, [Address("campus", "192.0.2.2")]) == []
    assert scene.use(pool) == (0, 2)
    commands.release(scene.session, one, LATER)
    assert hold(other, [Address("campus", "192.0.2.3")]) == []
    assert addresses_of(scene.session, other.appliance_id) == ["192.0.2.3"]
    assert scene.use(pool) == (1, 1)


def test_another_network_or_provider_has_addresses_of_its_own(scene: Scene) -> None:
    pool = scene.pool("192.0.2.2")
    elsewhere = Node(
        appliance=scene.make.appliance(scene.organisation, scene.owner),
        generation=1,
        provider=provider(scene.session, "public", NOON),
        made_at=NOON,
    )
    scene.session.add(elsewhere)
    scene.session.flush()
    assert scene.hold(elsewhere, "192.0.2.2") == []
    assert scene.use(pool) == (1, 0)


def test_the_database_refuses_a_second_pool_and_a_second_address(scene: Scene) -> None:
    pool = scene.pool("192.0.2.2")
    again = Pool(provider=scene.provider, network="campus", created_at=NOON)
    twin = PoolAddress(pool_id=pool.id, address="192.0.2.2", packed=b"x")
    for row in (again, twin):
        with pytest.raises(IntegrityError), scene.session.begin_nested():
            scene.session.add(row)


def test_the_lowest_free_one_is_found_by_the_index(scene: Scene) -> None:
    scene.pool("192.0.2.0/24")
    node = scene.node()
    with explained(scene.session) as plans:
        scene.allot(node)
    (plan,) = [plan for plan in plans if "pool_addresses" in plan]
    assert "ix_pool_addresses_free" in plan
    assert "ORDER BY" not in plan
    assert "Sort" not in plan


def test_several_at_once_get_different_ones(database: Database) -> None:
    with database.writing() as session:
        scene = Scene(session, Factory(session))
        scene.pool("192.0.2.0/27")
        nodes = [scene.node().id for _ in range(24)]
    start = threading.Barrier(8)

    def worker(mine: list[int]) -> None:
        start.wait()
        for id_ in mine:
            with database.writing() as session:
                commands.allot(session, session.get_one(Node, id_), "campus", NOON)

    threads = [threading.Thread(target=worker, args=(nodes[first::8],)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        held = session.scalars(select(HeldAddress.address)).all()
        assert (len(held), len(set(held))) == (24, 24)
        count = func.count()
        assert session.scalar(select(count).where(PoolAddress.free)) == 30 - 24


def test_nobody_waits_for_an_address_that_another_transaction_takes(postgresql_url: str) -> None:
    with short_lived(postgresql_url) as database:
        with database.writing() as session:
            scene = Scene(session, Factory(session))
            scene.pool("192.0.2.0/29")
            ids = [scene.node().id for _ in range(2)]
        with database.writing() as first, database.writing() as second:
            second.execute(text("SET LOCAL lock_timeout = '1s'"))
            nodes = first.get_one(Node, ids[0]), second.get_one(Node, ids[1])
            assert commands.allot(first, nodes[0], "campus", NOON).address == "192.0.2.1"
            assert commands.allot(second, nodes[1], "campus", NOON).address == "192.0.2.2"


def test_nobody_waits_for_a_holder_that_is_being_recorded(postgresql_url: str) -> None:
    with short_lived(postgresql_url) as database:
        with database.writing() as session:
            scene = Scene(session, Factory(session))
            holder, other = scene.node(), scene.node()
            scene.hold(holder, "192.0.2.2")
            ids, appliance_id = (holder.id, other.id), holder.appliance_id
            due_at = session.get_one(Appliance, appliance_id).due_at
        with database.writing() as first, database.writing() as second:
            # It holds its own row, and might be here for ours.
            first.get_one(Appliance, appliance_id, with_for_update=True)
            second.execute(text("SET LOCAL lock_timeout = '1s'"))
            seen = [Address("campus", "192.0.2.2")]
            node = second.get_one(Node, ids[1])
            assert commands.hold(second, node, seen, LATER) == ["192.0.2.2"]
        with database.writing() as session:
            assert session.get_one(Appliance, appliance_id).due_at == due_at
            commands.hold(session, session.get_one(Node, ids[1]), seen, LATER)
        with database.reading() as session:
            assert session.get_one(Appliance, appliance_id).due_at == LATER
