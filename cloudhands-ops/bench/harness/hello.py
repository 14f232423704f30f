"""A bare WSGI application under waitress: the ceiling of everything that waitress serves.

Run as a program: `python hello.py PORT THREADS`.
"""

import socket
import sys
from collections.abc import Callable, Iterable

from waitress.server import create_server

BODY = b"Hello.\n"


def hello(environ: object, start_response: Callable[..., object]) -> Iterable[bytes]:
    """Says so, whatever is asked."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))])
    return [BODY]


def main(port: int, threads: int) -> None:
    """Serve until the process is ended."""
    with socket.create_server(("127.0.0.1", port), backlog=1024) as listener:
        create_server(hello, sockets=[listener], threads=threads, ident=None).run()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
