"""The entry point of `cloud-burst`."""

import argparse
import logging
import os
from collections.abc import Sequence

import structlog

from cloudhands.burst import providers, reconcilers
from cloudhands.burst.context import Context, known
from cloudhands.burst.loop import Loop
from cloudhands.common import schema, service
from cloudhands.common.clock import DatabaseClock
from cloudhands.common.db import explained
from cloudhands.common.opening import opened_for

log = structlog.get_logger("cloudhands.burst")

# Of the 10 seconds that a supervisor gives us.
DRAIN_SECONDS = 8.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run `cloud-burst`; returns its exit status."""
    arguments = service.parser(
        "cloud-burst", "cloudhands-burst", "Makes the clouds match what people asked for."
    )
    arguments.add_argument("--once", action="store_true", help="do all that is due now, and exit")
    return service.run(arguments, _main, argv)


def _main(options: argparse.Namespace) -> int:
    stopping = service.stop_on_signals()
    settings = service.read_settings(options)
    clouds = providers.connect(settings)
    with opened_for(settings) as database:
        schema.check_writable(database)
        clock = DatabaseClock(database)
        with explained(database):
            installation = known(database, clock, clouds)
        context = Context(database, settings, clouds, installation, clock)
        loop = Loop(context, reconcilers.every(context), stopping)
        log.info("ready", providers=sorted(clouds), pid=os.getpid())
        if options.once:
            loop.once()
        else:
            loop.run()
        _end(loop)
    return 0


def _end(loop: Loop) -> None:
    if loop.drain(DRAIN_SECONDS):
        log.info("stopped")
        return
    # A call that does not end would hold the process. What it made bears our identity, and is
    # found when the claim has run out.
    log.warning("stopped with calls in hand")
    logging.shutdown()
    os._exit(0)
