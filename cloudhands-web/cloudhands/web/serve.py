"""`cloud-serve`: the portal under waitress, until SIGTERM."""

import argparse
import gc
import resource
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from waitress.server import create_server

from cloudhands.common import schema, service, site
from cloudhands.common.clock import DatabaseClock
from cloudhands.common.opening import opened_for
from cloudhands.common.settings import Settings
from cloudhands.web import draining
from cloudhands.web.app import make_app
from cloudhands.web.dispatching import StandBy
from cloudhands.web.http.constants import MAX_BODY_BYTES
from cloudhands.web.index.people import People
from cloudhands.web.listening import BACKLOG, is_private, listening, name
from cloudhands.web.refusing import refuse
from cloudhands.web.security.throttle import Throttle
from cloudhands.web.services import Services

# Who sends too much, but not very much, is let finish, and so reads why it is refused.
READ_AT_MOST = 2 * MAX_BODY_BYTES
CONNECTIONS = 4000
# What a request does between two questions to the database takes far less. Of a process that stands
# still for longer others get the locks.
IDLE_SECONDS = 30.0
# Databases, logs, the index.
OTHER_FILES = 200
# What waitress calls whoever connects to a Unix socket.
BY_UNIX_SOCKET = "localhost"

log = structlog.get_logger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """The command's entry point."""
    return service.run(arguments(), _main, argv)


def arguments() -> argparse.ArgumentParser:
    """What the command takes, also for the manual."""
    parser = service.parser("cloud-serve", "cloudhands-web", "Serves the cloudhands portal.")
    parser.add_argument(
        "--fd",
        type=int,
        metavar="N",
        help="serve the listening socket that is inherited as this file descriptor "
        "(supervisord's fcgi-program: 0), instead of making one as the settings say",
    )
    return parser


def _main(options: argparse.Namespace) -> int:
    settings = service.read_settings(options)
    stopping = service.stop_on_signals()
    _allow_open_files(CONNECTIONS + OTHER_FILES)
    with (
        services(settings, stopping) as collaborators,
        listening(settings, options.fd) as listener,
    ):
        server = server_on(listener, make_app(collaborators), settings.portal.threads)
        # What is there by now stays. To look through it takes the collector 80 ms, for all threads.
        gc.freeze()
        log.info("serving", at=name(listener))
        _serve(server, stopping, shared=options.fd is not None)
    log.info("stopped")
    return 0


def server_on(listener: socket.socket, app: Any, threads: int) -> Any:
    """waitress, ready to run.

    What nginx forwards about the client is believed on a private socket alone. Elsewhere whoever
    connects is the client, and what it says in such headers is dropped.
    """
    dispatcher = StandBy()
    dispatcher.set_thread_count(threads)
    trusted: dict[str, Any] = {
        "trusted_proxy": BY_UNIX_SOCKET,
        "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto"},
    }
    server = create_server(
        app,
        sockets=[listener],
        _dispatcher=dispatcher,
        backlog=BACKLOG,
        connection_limit=CONNECTIONS,
        asyncore_use_poll=True,  # select() sees no descriptor above 1023
        max_request_body_size=READ_AT_MOST,
        clear_untrusted_proxy_headers=True,
        ident=None,
        **(trusted if is_private(listener) else {}),
    )
    refuse(server)
    return server


def _allow_open_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < wanted:
        most = wanted if hard < 0 else min(wanted, hard)  # below 0: no limit
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


@contextmanager
def services(settings: Settings, stopping: threading.Event) -> Iterator[Services]:
    """The portal's collaborators, closed at the end.

    :param stopping: set when the process is to end.
    :raises ConfigurationError: if the database is not up to date or the secret unusable.
    """
    with opened_for(settings) as database:
        assert database.secret is not None
        schema.check_writable(database)
        database.end_idle(IDLE_SECONDS)
        yield Services(
            settings=settings,
            site=site.installed(),
            database=database,
            secret=database.secret,
            people=People(settings.path(settings.index.folder)),
            throttle=Throttle(
                max(1, settings.portal.threads // 2), settings.index.searches_per_minute
            ),
            clock=DatabaseClock(database),
            stopping=stopping,
        )


def _serve(server: Any, stopping: threading.Event, *, shared: bool) -> None:
    loop = threading.Thread(target=server.run, name="waitress", daemon=True)
    loop.start()
    while loop.is_alive() and not stopping.wait(1):
        pass
    if not stopping.is_set():
        sys.exit("cloud-serve: the server's loop ended by itself; the log says why")
    draining.drain(server, shared=shared)
