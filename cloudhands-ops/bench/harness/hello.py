"""A bare WSGI application under the portal's own waitress: the ceiling of what that can serve.

Run as a program: `python hello.py PORT THREADS`.
"""

import socket
import sys
from collections.abc import Callable, Iterable

from cloudhands.common.testing.ports import LOOPBACK
from cloudhands.web.listening import BACKLOG
from cloudhands.web.serve import server_on

BODY = b"Hello.\n"


def hello(environ: object, start_response: Callable[..., object]) -> Iterable[bytes]:
    """Says so, whatever is asked."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))])
    return [BODY]


def main(port: int, threads: int) -> None:
    """Serve until the process is ended."""
    with socket.create_server((LOOPBACK, port), backlog=BACKLOG) as listener:
        server_on(listener, hello, threads).run()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
