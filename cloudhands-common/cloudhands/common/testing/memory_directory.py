"""An LDAP server in memory, for machines where slapd cannot be installed: pip alone brings it.

``python -m cloudhands.common.testing.memory_directory --port 3890 --ldif people.ldif`` serves the
entries of the file on 127.0.0.1 until SIGTERM. It binds, searches, adds, modifies and deletes; it
knows no paging, no TLS and no access control, and forgets every change when it stops: a directory
for demonstrations and tests, nothing else.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, cast

from ldaptor import inmemory, interfaces
from ldaptor.protocols.ldap.ldapserver import LDAPServer
from twisted.internet import reactor as default_reactor
from twisted.internet.defer import maybeDeferred
from twisted.internet.protocol import ServerFactory
from twisted.python import components

from cloudhands.common.testing.ports import LOOPBACK


class Directory(ServerFactory):
    """Makes a protocol for each connection; all of them share one tree of entries."""

    protocol = LDAPServer

    def __init__(self, root: Any) -> None:
        self.root = root


components.registerAdapter(  # type: ignore[no-untyped-call]
    lambda directory: directory.root, Directory, interfaces.IConnectedLDAPEntry
)


def serve(port: int, ldif: IO[bytes]) -> None:
    """Serve the entries of an LDIF file until SIGTERM or SIGINT.

    :raises SystemExit: if they cannot be read or the port is taken.
    """
    # The module is a stand-in that becomes the platform's reactor at its first import.
    reactor = cast(Any, default_reactor)
    problems: list[str] = []

    def listen(root: Any) -> None:
        reactor.listenTCP(port, Directory(root), interface=LOOPBACK)

    def give_up(failure: Any) -> None:
        problems.append(failure.getErrorMessage())
        reactor.callLater(0, reactor.stop)

    def start() -> None:
        maybeDeferred(inmemory.fromLDIFFile, ldif).addCallback(listen).addErrback(give_up)

    reactor.callWhenRunning(start)
    reactor.run()
    if problems:
        raise SystemExit(f"memory_directory: {problems[0]}")


def main(argv: Sequence[str] | None = None) -> None:
    """Serve what the arguments name."""
    arguments = argparse.ArgumentParser(prog="memory_directory", description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--ldif", type=Path, required=True, metavar="FILE")
    options = arguments.parse_args(argv)
    with options.ldif.open("rb") as ldif:
        serve(options.port, ldif)


if __name__ == "__main__":
    main()
