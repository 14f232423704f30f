"""Free ports of the loopback interface for servers that tests start."""

import socket

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listened on a moment ago.

    Another process may take it before its user does; the kernel hands out a different one at
    every call, so that this is rare even with many tests in parallel.
    """
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int, timeout: float = 1.0) -> bool:
    """Whether something accepts connections at a port of 127.0.0.1.

    :param timeout: seconds to wait for it.
    """
    try:
        with socket.create_connection((LOOPBACK, port), timeout=timeout):
            return True
    except OSError:
        return False
