"""What is read of an appliance when it is taken in hand."""

from collections.abc import Mapping
from typing import Any

import pytest

from cloudhands.burst.reconcilers.appliance.view import View, node_of, read, view_of
from cloudhands.burst.testing import World
from cloudhands.common.appliance.queries import living_node
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.provider.commands import provider
from cloudhands.common.testing.factories import NOON
from cloudhands.common.testing.plans import counted


def both(world: World, **node: Any) -> tuple[View, View]:
    """What one query reads, and what the rows tell, of an appliance with a node, or without."""
    uuid = world.launch()
    with world.database.writing() as session:
        appliance = session.query(Appliance).filter_by(uuid=uuid).one()
        if node:
            there = provider(session, "private", NOON)
            shown = {"generation": 1, "made_at": NOON, **node}
            session.add(Node(appliance=appliance, provider=there, **shown))
            appliance.seen_size, appliance.reboots_wanted = appliance.size, 1
        session.flush()
        with counted(session) as statements:
            found = read(session.connection(), [appliance.id, 4711])
        assert len(statements) == 1
        assert found.keys() == {appliance.id}
        living = living_node(session, appliance)
        return found[appliance.id], view_of(appliance, node_of(living) if living else None)


@pytest.mark.parametrize(
    "node",
    [
        {},
        {"generation": 1},
        {"server_id": "s1", "asked_at": NOON},
        {"ending_at": NOON, "failure": "broke"},
        {"ended_at": NOON},
        {"abandoned_at": NOON},
    ],
)
def test_one_query_tells_what_the_rows_tell(world: World, node: Mapping[str, Any]) -> None:
    found, told = both(world, **node)
    assert found == told
    assert (found.node is None) == (not node or bool(node.keys() & {"ended_at", "abandoned_at"}))
