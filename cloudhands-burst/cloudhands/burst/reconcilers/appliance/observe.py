"""Looks at the cloud for the server of a node."""

from collections.abc import Sequence
from dataclasses import dataclass

from cloudhands.burst.reconcilers.appliance.view import NodeView
from cloudhands.common.cloud import Cloud, Gone, Identity, Server


@dataclass(frozen=True)
class Sight:
    """What the cloud says.

    :param server: the node's server, None if there is none.
    :param twins: more servers of the same identity, made by a create that was repeated.
    """

    server: Server | None = None
    twins: tuple[Server, ...] = ()


def look(cloud: Cloud, identity: Identity, node: NodeView, *, ending: bool) -> Sight:
    """Look a node's server up: by its id, or by its identity while the id is not known.

    :param ending: whether it shall go; then a twin that was left over is found too.
    :raises CloudError: whatever the cloud answers but `Gone`.
    """
    if node.server_id is None:
        return _sight(cloud.find(identity))
    try:
        return Sight(cloud.observe(node.server_id))
    except Gone:
        # Nothing is given back before no server bears the identity any more.
        return _sight(cloud.find(identity)) if ending else Sight()


def _sight(found: Sequence[Server]) -> Sight:
    if not found:
        return Sight()
    # The first by id, so that every worker that looks keeps the same one.
    first, *twins = sorted(found, key=lambda server: server.id)
    return Sight(first, tuple(twins))
