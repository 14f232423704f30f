"""What is asked of a server that exists; each may be asked again without harm."""

from collections.abc import Callable

from openstack.compute.v2.server import Server as NovaServer
from openstack.connection import Connection

from cloudhands.burst.providers.openstack import lookups, marks, servers
from cloudhands.burst.providers.openstack.errors import Busy, answering
from cloudhands.burst.providers.openstack.states import WAKING
from cloudhands.common.cloud import Full, Gone, Invalid, ServerState

RUNS = (ServerState.RUNNING, ServerState.STARTING)
STOPS = (ServerState.STOPPED, ServerState.STOPPING)
CONSOLE_LINES = 200
NOT_RESIZED = "has not been resized"
SAME_SIZE = "must change flavor"


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
    now = servers.state(server)
    if server.status == "VERIFY_RESIZE":
        _but(NOT_RESIZED, lambda: cloud.compute.confirm_server_resize(server_id))
    elif now is ServerState.STOPPED:
        _change(cloud, server, size)
    elif now is not ServerState.RESIZING:
        raise Busy(f"the server is {now or server.status}: only a stopped one is resized")


def _change(cloud: Connection, server: NovaServer, size: str) -> None:
    flavor = lookups.size(cloud, size)
    if size != (server.metadata or {}).get(marks.SIZE):
        _note(cloud, server, size)
    elif _failed(cloud, server):
        # Noted again with the next try, which is then made.
        _note(cloud, server, str((server.flavor or {}).get("original_name") or ""))
        raise Full(f"the cloud could not give the server the size {size!r}: it has no room now")
    _but(SAME_SIZE, lambda: cloud.compute.resize_server(server, flavor))


def _note(cloud: Connection, server: NovaServer, size: str) -> None:
    with answering(missing=Gone):
        cloud.compute.set_server_metadata(server.id, **{marks.SIZE: size})


def _failed(cloud: Connection, server: NovaServer) -> bool:
    """Whether the last that was asked of a server was a resize that came to nothing.

    Nova takes it on, finds no host later, and leaves the server as it was without a word.
    """
    with answering(missing=Gone):
        newest = next(iter(cloud.compute.server_actions(server.id)), None)
        return newest is not None and (newest.action, newest.message) == ("resize", "Error")


def _but(harmless: str, call: Callable[[], object]) -> None:
    """Ask for something, and hear the refusal of what was done before as done."""
    try:
        with answering(missing=Gone):
            call()
    except Invalid as error:
        if harmless not in str(error):
            raise


def console(cloud: Connection, server_id: str) -> str:
    """The last lines of a server's console."""
    with answering(missing=Gone):
        told = cloud.compute.get_server_console_output(server_id, length=CONSOLE_LINES)
        return str(told["output"] or "")
