"""What differs between a listing and what is known here, case by case."""

from dataclasses import replace
from typing import Any

import pytest

from cloudhands.burst.reconcilers.drift.compare import Findings, Known, compare
from cloudhands.common.cloud import Address, Held, Identity, Listing, Server, ServerState

S = ServerState
HERE = frozenset({("lan", "10.0.0.1")})
NODE = Known(
    appliance_id=1,
    appliance="a",
    generation=1,
    server_id="s1",
    state="running",
    size="m1.small",
    sizes=frozenset({"m1.small", "m1.large"}),
    addresses=HERE,
)
SERVER = Server(
    "s1", Identity("i", "a", 1), S.RUNNING, (Address("lan", "10.0.0.1"),), size="m1.small"
)


def look(nodes: list[Known], servers: list[Server], *held: Held, share: float = 0.5) -> Findings:
    return compare(nodes, Listing(servers, held), share)


def test_nothing_differs() -> None:
    found = look([NODE], [SERVER])
    assert found == Findings(servers=1, expected=1)
    assert sum(found.counts.values()) == 1, "the server"


@pytest.mark.parametrize(
    ("node", "server", "how"),
    [
        ({}, {"state": S.STOPPED}, "it is stopped, and running here"),
        ({}, {"state": S.FAILED}, "it is failed, and running here"),
        ({"state": "stopped"}, {}, "it is running, and stopped here"),
        ({"state": "stopped"}, {"state": S.STOPPED, "addresses": ()}, ""),
        ({}, {"state": S.DELETING}, ""),
        ({}, {"state": S.REBOOTING}, ""),
        ({}, {"size": "m1.large"}, "its size is m1.large, and m1.small here"),
        ({}, {"size": ""}, ""),
        ({}, {"size": "of no item"}, ""),
        ({}, {"addresses": ()}, "it has other addresses"),
        ({"addresses": frozenset()}, {}, "it has other addresses"),
        ({"addresses": frozenset(), "allotted": HERE}, {}, ""),
        ({"addresses": frozenset(), "allotted": HERE}, {"addresses": ()}, ""),
        ({}, {"id": "s2"}, "it has a twin"),
        ({}, {"id": "s2", "state": S.DELETING}, ""),
        ({"server_id": None, "state": "requested"}, {}, ""),
        ({"state": "failed"}, {"state": S.STOPPED}, ""),
        ({"at_rest": False}, {"state": S.STOPPED}, ""),
        ({"abandoned": True}, {"state": S.STOPPED}, ""),
    ],
)
def test_a_server_that_differs(node: dict[str, Any], server: dict[str, Any], how: str) -> None:
    known = replace(NODE, **node)
    found = look([known], [replace(SERVER, **server)])
    assert list(found.differing) == ([(known, how)] if how else [])
    assert not found.strangers


@pytest.mark.parametrize(
    ("node", "missing"),
    [
        ({}, True),
        ({"state": "failed"}, True),
        ({"at_rest": False}, False),
        ({"settled": False}, False),
        ({"server_id": None}, False),
        ({"abandoned": True}, False),
    ],
)
def test_a_server_that_is_missing(node: dict[str, Any], missing: bool) -> None:
    known = replace(NODE, **node)
    found = look([known], [])
    assert list(found.missing) == ([known] if missing else [])
    assert not found.vanished


@pytest.mark.parametrize(
    ("known", "listed", "share", "vanished"),
    [
        (3, 0, 0.5, False),  # too few to tell
        (4, 0, 0.5, True),
        (4, 2, 0.5, False),  # just the share
        (4, 1, 0.5, True),
        (4, 0, 1, False),
        (100, 60, 0.3, True),
        (100, 70, 0.3, False),
    ],
)
def test_too_many_at_once(known: int, listed: int, share: float, vanished: bool) -> None:
    nodes = [
        replace(NODE, appliance_id=n, appliance=f"a{n}", server_id=f"s{n}") for n in range(known)
    ]
    servers = [
        replace(SERVER, id=f"s{n}", identity=Identity("i", f"a{n}", 1)) for n in range(listed)
    ]
    found = look(nodes, servers, share=share)
    assert (found.vanished, len(found.missing)) == (vanished, known - listed)


def test_what_no_node_is() -> None:
    older = replace(SERVER, id="s0", identity=Identity("i", "a", 0))
    going = replace(older, id="s9", state=S.DELETING)
    other = replace(SERVER, id="s3", identity=Identity("i", "b", 1))
    found = look([NODE], [SERVER, older, going, other])
    assert list(found.strangers) == [older, other]
    assert not found.missing


def test_addresses_that_are_held_without_a_server() -> None:
    address = Address("wan", "203.0.113.1", external=True)
    mine, going, left = (Identity("i", uuid, 1) for uuid in ("a", "b", "c"))
    deleting = replace(SERVER, id="s2", identity=going, state=S.DELETING)
    held = [Held(each, address) for each in (mine, going, left, left)]
    found = look([NODE], [SERVER, deleting], *held)
    assert list(found.strange_held) == [left]


def test_what_is_abandoned_is_told() -> None:
    away = replace(NODE, abandoned=True)
    assert list(look([away], [SERVER]).abandoned) == [away]
    assert list(look([away], []).gone) == [away]
    assert look([away], []).counts["abandoned"] == 1
