"""What is asked of a server that exists; each may be asked again without harm."""

from openstack.connection import Connection

from cloudhands.burst.providers.openstack import lookups, marks, servers
from cloudhands.burst.providers.openstack.errors import Busy, answering
from cloudhands.burst.providers.openstack.states import WAKING
from cloudhands.common.cloud import Gone, Invalid, ServerState

RUNS = (ServerState.RUNNING, ServerState.STARTING)
STOPS = (ServerState.STOPPED, ServerState.STOPPING)
CONSOLE_LINES = 200


def start(cloud: Connection, server_id: str) -> None:
    """Let a server run, from whichever rest it is in."""
    try:
        with answering(missing=Gone):
            cloud.compute.start_server(server_id)
    except Busy:
        server = servers.get(cloud, server_id)
        wake = WAKING.get(str(server.status))
        if wake is None or server.task_state:
            if servers.state(server) not in RUNS:
                raise
            return
        with answering(missing=Gone):
            getattr(cloud.compute, wake)(server_id)


def stop(cloud: Connection, server_id: str) -> None:
    """Shut a server down."""
    try:
        with answering(missing=Gone):
            cloud.compute.stop_server(server_id)
    except Busy:
        server = servers.get(cloud, server_id)
        if servers.state(server) not in STOPS:
            raise


def delete(cloud: Connection, server_id: str) -> None:
    """Delete a server, whatever it is doing."""
    with answering(missing=Gone):
        cloud.compute.delete_server(server_id, ignore_missing=False)


def reboot(cloud: Connection, server_id: str) -> None:
    """Have a server's own system start anew."""
    with answering(missing=Gone):
        cloud.compute.reboot_server(server_id, "SOFT")


def resize(cloud: Connection, server_id: str, size: str) -> None:
    """Give a stopped server another size, or confirm the one that it was given."""
    server = servers.get(cloud, server_id)
    if server.status == "VERIFY_RESIZE":
        with answering(missing=Gone):
            cloud.compute.confirm_server_resize(server_id)
        return
    if servers.state(server) is ServerState.RESIZING:
        return
    flavor = lookups.size(cloud, size)
    if size != (server.metadata or {}).get(marks.SIZE):
        with answering(missing=Gone):
            cloud.compute.set_server_metadata(server_id, **{marks.SIZE: size})
    try:
        with answering(missing=Gone):
            cloud.compute.resize_server(server_id, flavor)
    except Invalid as error:
        # Asked again after it was done, the cloud refuses: it has that size.
        if "must change flavor" not in str(error):
            raise


def console(cloud: Connection, server_id: str) -> str:
    """The last lines of a server's console."""
    with answering(missing=Gone):
        told = cloud.compute.get_server_console_output(server_id, length=CONSOLE_LINES)
        return str(told["output"] or "")
