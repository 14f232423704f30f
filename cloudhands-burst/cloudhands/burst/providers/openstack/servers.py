"""What Nova tells of a server, as `cloudhands.common.cloud` wants it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from openstack.compute.v2.server import Server as NovaServer
from openstack.connection import Connection

from cloudhands.burst.providers.openstack import marks
from cloudhands.burst.providers.openstack.errors import NO_HOST, UNPROMISED, answering
from cloudhands.burst.providers.openstack.states import state_of
from cloudhands.common.cloud import (
    Address,
    Denied,
    Gone,
    Identity,
    Server,
    ServerState,
    Temporary,
)

FLOATING = "floating"


def get(cloud: Connection, server_id: str) -> NovaServer:
    """Look one server up directly.

    :raises Gone: if it does not exist.
    """
    with answering(missing=Gone, refused=Denied):
        server = cloud.compute.get_server(server_id)
        if not server.status:
            raise Temporary(f"{UNPROMISED}: it has no status of the server")
        if server.status == "DELETED":
            raise Gone(f"the server {server_id} is deleted")
        return server


def search(cloud: Connection, name: str) -> Iterator[NovaServer]:
    """Every server with that in its name; the cloud is asked for one page after another."""
    with answering(refused=Denied):
        for server in cloud.compute.servers(details=True, name=name):
            if server.status != "DELETED":
                yield server


def identity(server: NovaServer) -> Identity:
    """Whose a server is.

    :raises Temporary: if it does not tell, though it was made for somebody.
    """
    found = marks.of_metadata(server.metadata)
    if found is None:
        raise Temporary(f"the server {server.id} does not tell any more whose it is (metadata)")
    return found


def state(server: NovaServer) -> ServerState | None:
    """A server's state, or None if the cloud itself does not know it now."""
    return state_of(str(server.status), server.task_state)


def seen(server: NovaServer, size: str, external_network: str) -> Server:
    """A server in our words.

    :param size: the name that it goes by here, see `sizes.Sizes`.
    :param external_network: what the network of addresses reached from outside is called.
    :raises Temporary: if the cloud does not know now how it is.
    """
    now = state(server)
    if now is None:
        raise Temporary(f"the cloud does not know how the server is now ({server.status})")
    fault = _fault(server) if now is ServerState.FAILED else ""
    return Server(
        id=str(server.id),
        identity=identity(server),
        state=now,
        addresses=tuple(_addresses(server.addresses or {}, external_network)),
        size=size,
        problem=fault,
        full=NO_HOST in fault.lower(),
        details={"name": str(server.name), "status": str(server.status)},
    )


def _fault(server: NovaServer) -> str:
    fault = server.fault if isinstance(server.fault, Mapping) else {}
    return str(fault.get("message") or "").strip() or "the cloud does not say why"


def _addresses(
    networks: Mapping[str, Sequence[Mapping[str, Any]]], external_network: str
) -> Iterator[Address]:
    for network, held in networks.items():
        for address in held:
            external = address.get("OS-EXT-IPS:type") == FLOATING
            name = external_network if external and external_network else network
            yield Address(name, str(address["addr"]), external)
