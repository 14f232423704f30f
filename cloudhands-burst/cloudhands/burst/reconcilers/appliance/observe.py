"""Looks at the cloud for the server of a node."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cloudhands.burst.reconcilers.appliance.view import NodeView
from cloudhands.common.cloud import Capabilities, Cloud, Gone, Identity, Server, ServerState

BARE = Capabilities()


@dataclass(frozen=True)
class Sight:
    """What the cloud says.

    :param server: the node's server, None if there is none.
    :param twins: more servers of the same identity, made by a create that was repeated, and
        not being deleted yet.
    :param settles_in: seconds for which it means nothing that there is none: one that was asked
        for a moment ago may still come to be seen.
    :param overdue: in what time it should have been built, in words, if that has passed.
    :param capabilities: what the cloud can do.
    """

    server: Server | None = None
    twins: tuple[Server, ...] = ()
    settles_in: float = 0
    overdue: str = ""
    capabilities: Capabilities = BARE


def look(
    cloud: Cloud,
    identity: Identity,
    node: NodeView,
    *,
    building: bool,
    settles_in: float,
    overdue: str = "",
    told: Server | None = None,
) -> Sight:
    """Look a node's server up: by its id, or by its identity while the id is not known.

    :param building: whether it was asked for and does not run yet; then its twins are seen too,
        once there is something to decide.
    :param settles_in: see `Sight`, and `overdue` likewise.
    :param told: the server as the cloud has told of it a moment ago: it is not asked again.
    :raises CloudError: whatever the cloud answers but `Gone`.
    """
    seen = _look(cloud, identity, node, told, building=building)
    return replace(seen, settles_in=settles_in, overdue=overdue, capabilities=cloud.capabilities)


def twins(cloud: Cloud, identity: Identity, server: Server) -> tuple[Server, ...]:
    """The twins of a node's server that are not being deleted yet.

    :raises CloudError: whatever the cloud answers.
    """
    others = (other for other in cloud.find(identity) if other.id != server.id)
    return tuple(other for other in others if not _going(other))


def _look(
    cloud: Cloud, identity: Identity, node: NodeView, told: Server | None, *, building: bool
) -> Sight:
    if node.server_id is None:
        return _sight(cloud.find(identity))
    try:
        # One that was being built a moment ago may run by now.
        if told is None or told.state is ServerState.BUILDING:
            told = cloud.observe(node.server_id)
        server = told
    except Gone:
        # Nothing is given back before no server bears the identity any more.
        return _sight(cloud.find(identity))
    if building and server.state is not ServerState.BUILDING:
        others = [other for other in cloud.find(identity) if other.id != server.id]
        return _sight([server, *others], server.id)
    return Sight(server)


def _sight(found: Sequence[Server], known: str | None = None) -> Sight:
    if not found:
        return Sight()
    # The one that is written down, else the first by id: every worker that looks keeps the same.
    kept = min(found, key=lambda server: (_going(server), server.id != known, server.id))
    return Sight(kept, tuple(one for one in found if one is not kept and not _going(one)))


def _going(server: Server) -> bool:
    return server.state is ServerState.DELETING
