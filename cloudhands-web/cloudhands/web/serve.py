"""`cloud-serve`: the portal under waitress, until SIGTERM."""

import argparse
import select
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from waitress.server import create_server

from cloudhands.common import clock, schema, service, site, tokens
from cloudhands.common.db import opened
from cloudhands.common.errors import ConfigurationError
from cloudhands.common.settings import Settings
from cloudhands.web.app import make_app
from cloudhands.web.index.people import People
from cloudhands.web.security.throttle import Throttle
from cloudhands.web.services import Services

DRAIN_SECONDS = 8
# What has reached the kernel by then is read and answered too.
GRACE_SECONDS = 0.3
MAX_BODY_BYTES = 256 * 1024

log = structlog.get_logger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """The command's entry point."""
    arguments = service.parser("cloud-serve", "cloudhands-web", "Serves the cloudhands portal.")
    return service.run(arguments, _main, argv)


def _main(options: argparse.Namespace) -> int:
    settings = service.read_settings(options)
    stopping = service.stop_on_signals()
    with services(settings) as collaborators, listening(settings) as listener:
        server = create_server(
            make_app(collaborators),
            sockets=[listener],
            threads=settings.portal.threads,
            max_request_body_size=MAX_BODY_BYTES,
            ident=None,
        )
        log.info("serving", host=settings.portal.host, port=settings.portal.port)
        _serve(server, stopping)
    log.info("stopped")
    return 0


@contextmanager
def services(settings: Settings) -> Iterator[Services]:
    """The portal's collaborators, closed at the end.

    :raises ConfigurationError: if the database is not up to date or the secret unusable.
    """
    with opened(settings.database_url) as database:
        schema.check(database)
        yield Services(
            settings=settings,
            site=site.installed(),
            database=database,
            secret=tokens.read_secret(settings.path(settings.key_file)),
            people=People(settings.path(settings.index.folder)),
            throttle=Throttle(max(1, settings.portal.threads // 2)),
            clock=clock.now,
        )


@contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """The listening socket.

    :raises ConfigurationError: if the port is taken.
    """
    host, port = settings.portal.host, settings.portal.port
    try:
        listener = socket.create_server((host, port), backlog=1024)
    except OSError as error:
        raise ConfigurationError(
            f"portal.host {host}, portal.port {port}: {error.strerror}. "
            "Choose another port, for example --set portal.port=9000"
        ) from error
    with listener:
        yield listener


def _serve(server: Any, stopping: threading.Event) -> None:
    loop = threading.Thread(target=server.run, name="waitress", daemon=True)
    loop.start()
    while loop.is_alive() and not stopping.wait(1):
        pass
    if not stopping.is_set():
        sys.exit("cloud-serve: the server's loop ended by itself; the log says why")
    _drain(server)


def _drain(server: Any) -> None:
    """Accept nothing more, and let what is being asked and answered end."""
    server.trigger.pull_trigger(lambda: _stop_accepting(server))  # in the loop's own thread
    deadline = time.monotonic() + DRAIN_SECONDS
    time.sleep(GRACE_SECONDS)
    while time.monotonic() < deadline and _is_busy(server):
        time.sleep(0.05)
    server.task_dispatcher.shutdown(timeout=max(0.1, deadline - time.monotonic()))


def _stop_accepting(server: Any) -> None:
    # Whoever is connected already is served: closing the socket would reset their connections.
    while select.select([server.socket], [], [], 0)[0]:
        server.handle_accept()
    server.del_channel()


def _is_busy(server: Any) -> bool:
    """Whether a request is being read or answered, or an answer is still being sent."""
    dispatcher = server.task_dispatcher
    return bool(dispatcher.active_count or dispatcher.queue) or any(
        channel.request or channel.requests or channel.total_outbufs_len
        for channel in list(server.active_channels.values())
    )
