"""Lays a listing beside what is known here: pure.

A listing may have holes, and what it tells is a moment old: it is only a reason to look.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cloudhands.common.address import ranges
from cloudhands.common.cloud import Identity, Listing, Server, ServerState

# With fewer known servers than these a person's own deletions at the cloud look just the same:
# each is looked up directly, which tells.
FEWEST = 4

Place = tuple[str, str]
"""A network and an address in it."""

# What a cloud may say of an appliance's server that is as it was left; what passes by itself counts
# for nothing: it is listed again soon.
_PASSING = frozenset(
    {
        ServerState.BUILDING,
        ServerState.STARTING,
        ServerState.STOPPING,
        ServerState.REBOOTING,
        ServerState.RESIZING,
        ServerState.DELETING,
    }
)
_AS_IT_IS: Mapping[str, ServerState] = {
    "running": ServerState.RUNNING,
    "stopped": ServerState.STOPPED,
}


@dataclass(frozen=True, slots=True)
class Known:
    """A node that lives as far as is known here, or that an operator has abandoned.

    :param appliance_id: the row of its appliance; `appliance` is its uuid.
    :param state: the appliance's.
    :param size: the cloud's name of the size that the server was last seen with; may be empty.
    :param sizes: the cloud's names of all sizes that it may have.
    :param addresses: those that it is written down with, as the cloud told them; `allotted` are
        those of our own pools, which a cloud may show or not.
    :param at_rest: whether nobody will look at the appliance by themselves.
    :param settled: whether a server that is not listed is not only shown late.
    """

    appliance_id: int
    appliance: str
    generation: int
    server_id: str | None
    state: str
    size: str = ""
    sizes: frozenset[str] = frozenset()
    addresses: frozenset[Place] = frozenset()
    allotted: frozenset[Place] = frozenset()
    at_rest: bool = True
    settled: bool = True
    abandoned: bool = False


@dataclass(frozen=True)
class Findings:
    """What differs.

    :param expected: how many servers should be listed, of which `missing` are not.
    :param vanished: whether so many are missing at once that the listing is not to be believed.
    :param differing: what is at rest and at the cloud is not as it is written down, and how.
    :param strangers: servers of ours that no node is, which lives or is abandoned.
    :param strange_held: whose addresses are held without a server, likewise.
    :param abandoned: the abandoned nodes whose servers are listed, `gone` those that are not.
    """

    servers: int = 0
    expected: int = 0
    missing: Sequence[Known] = ()
    vanished: bool = False
    differing: Sequence[tuple[Known, str]] = ()
    strangers: Sequence[Server] = ()
    strange_held: Sequence[Identity] = ()
    abandoned: Sequence[Known] = ()
    gone: Sequence[Known] = ()
    counts: Mapping[str, int] = field(init=False)

    @property
    def differences(self) -> Mapping[str, int]:
        """How many of each kind are not as they should be."""
        return {kind: self.counts[kind] for kind in ("missing", "differing", "strangers", "held")}

    def __post_init__(self) -> None:
        counted = {
            "servers": self.servers,
            "missing": len(self.missing),
            "differing": len(self.differing),
            "strangers": len(self.strangers),
            "held": len(self.strange_held),
            "abandoned": len(self.abandoned) + len(self.gone),
        }
        object.__setattr__(self, "counts", counted)


def compare(nodes: Sequence[Known], listing: Listing, share: float) -> Findings:
    """What differs.

    :param nodes: all at the provider that live or are abandoned, read after the listing.
    :param share: of the expected servers; if more are missing the listing is not to be believed.
    """
    listed = {server.id: server for server in listing.servers}
    living = [node for node in nodes if not node.abandoned]
    # Of what is due anyway the cloud is asked directly: it need not stand in the listing.
    expected = [node for node in living if node.server_id and node.at_rest and node.settled]
    missing = [node for node in expected if node.server_id not in listed]
    mine = {(node.appliance, node.generation): node for node in nodes}
    by_identity = {_of(server.identity) for server in listing.servers}
    away = [node for node in nodes if node.abandoned]
    held = dict.fromkeys(each.identity for each in listing.held)
    return Findings(
        servers=len(listed),
        expected=len(expected),
        missing=tuple(missing),
        vanished=len(expected) >= FEWEST and len(missing) > share * len(expected),
        differing=tuple(_differing(listing, mine)),
        strangers=tuple(
            server
            for server in listing.servers
            if _of(server.identity) not in mine and server.state is not ServerState.DELETING
        ),
        strange_held=tuple(
            identity
            for identity in held
            if _of(identity) not in mine and _of(identity) not in by_identity
        ),
        abandoned=tuple(node for node in away if (node.appliance, node.generation) in by_identity),
        gone=tuple(node for node in away if (node.appliance, node.generation) not in by_identity),
    )


def _of(identity: Identity) -> tuple[str, int]:
    return identity.appliance, identity.generation


def _differing(
    listing: Listing, mine: Mapping[tuple[str, int], Known]
) -> Iterator[tuple[Known, str]]:
    told = set()
    for server in listing.servers:
        node = mine.get(_of(server.identity))
        if node is None or node.abandoned or not node.at_rest or node.appliance_id in told:
            continue
        if how := _how(node, server):
            told.add(node.appliance_id)
            yield node, how


def _how(node: Known, server: Server) -> str:
    """How a listed server differs from what is written down; empty if it does not."""
    if node.state == "failed":
        return ""  # it waits for a person, whatever its server does
    if server.id != node.server_id:
        twin = node.server_id is not None and server.state is not ServerState.DELETING
        return "it has a twin" if twin else ""
    if server.state in _PASSING:
        return ""
    if server.state is not _AS_IT_IS.get(node.state):
        return f"it is {server.state}, and {node.state} here"
    if server.size != node.size and server.size in node.sizes:
        return f"its size is {server.size}, and {node.size} here"
    if server.state is ServerState.RUNNING and _addressed_otherwise(node, server):
        return "it has other addresses"
    return ""


def _addressed_otherwise(node: Known, server: Server) -> bool:
    shown = {(each.network, ranges.canonical(each.address)) for each in server.addresses}
    return not node.addresses <= shown <= node.addresses | node.allotted
