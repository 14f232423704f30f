"""How `cloud-serve` ends: whoever is connected is answered, and nobody is cut off in between."""

import select
import threading
import time
from typing import Any

SECONDS = 8
# A connection that says nothing for so long after it was made has nothing to ask.
GRACE_SECONDS = 0.3
POLL_SECONDS = 0.05


def drain(server: Any, *, shared: bool) -> None:
    """Accept nothing more, and let what is being asked and answered end, within `SECONDS`.

    :param server: waitress's, whose loop runs in another thread.
    :param shared: other processes accept from its socket too.
    """
    deadline = time.monotonic() + SECONDS
    _in_loop(server, lambda: _stop_accepting(server, shared))
    while server.active_channels and time.monotonic() < deadline:
        _in_loop(server, lambda: _close_idle(server))
        time.sleep(POLL_SECONDS)
    server.task_dispatcher.shutdown(timeout=max(0.1, deadline - time.monotonic()))


def _in_loop(server: Any, work: Any) -> None:
    """Do something in the loop's own thread, and wait for it."""
    done = threading.Event()

    def thunk() -> None:
        try:
            work()
        finally:
            done.set()

    server.trigger.pull_trigger(thunk)
    done.wait(1)


def _stop_accepting(server: Any, shared: bool) -> None:
    # Who waits at a shared socket is for the others; at our own, closing it would reset them.
    while not shared and _has_input(server.socket):
        server.handle_accept()
    server.del_channel()


def _close_idle(server: Any) -> None:
    # A kept connection would otherwise go on with its next request, and be cut in one at the end.
    for channel in list(server.active_channels.values()):
        young = time.time() - channel.creation_time < GRACE_SECONDS
        if not (young or _is_busy(channel) or _has_input(channel.socket)):
            channel.handle_close()


def _is_busy(channel: Any) -> bool:
    """Whether a request is being read or answered, or an answer is still being sent."""
    return bool(channel.request or channel.requests or channel.total_outbufs_len)


def _has_input(sock: Any) -> bool:
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
