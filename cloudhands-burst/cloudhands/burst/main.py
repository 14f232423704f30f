"""The entry point of `cloud-burst`."""

import argparse
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Event

import structlog

from cloudhands.burst import calls, providers, reconcilers
from cloudhands.burst.context import Context, known
from cloudhands.burst.loop import Loop
from cloudhands.burst.metrics import Metrics
from cloudhands.burst.pauses import Pauses
from cloudhands.burst.presence import Presence, present
from cloudhands.burst.unusable import Unusable
from cloudhands.common import schema, service
from cloudhands.common.clock import DatabaseClock
from cloudhands.common.db import UNREACHABLE, explained
from cloudhands.common.listener import listening
from cloudhands.common.listing import commands as listing
from cloudhands.common.opening import opened_for
from cloudhands.common.provider.commands import check_soon
from cloudhands.common.provider.pausing import probe_soon

log = structlog.get_logger("cloudhands.burst")

# Of the 10 seconds that a supervisor gives us.
DRAIN_SECONDS = 8.0
# Over how long the subscriptions are looked at after a start.
CHECK_SPREAD_SECONDS = 10.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run `cloud-burst`; returns its exit status."""
    return service.run(arguments(), _main, argv)


def arguments() -> argparse.ArgumentParser:
    """What the command takes, also for the manual."""
    parser = service.parser(
        "cloud-burst", "cloudhands-burst", "Makes the clouds match what people asked for."
    )
    parser.add_argument("--once", action="store_true", help="do all that is due now, and exit")
    return parser


def _main(options: argparse.Namespace) -> int:
    stopping = service.stop_on_signals()
    settings = service.read_settings(options)
    clouds, wrong = providers.usable(settings)
    for name, reasons in wrong.items():
        log.error("not set up", provider=name, reasons=reasons)
    with opened_for(settings) as database:
        schema.check_writable(database)
        # What is recorded later than that is refused: the claim has run out.
        database.end_idle(settings.burst.claim)
        clock = DatabaseClock(database)
        with explained(database):
            installation = known(database, clock, clouds)
            for name in settings.providers:
                with database.writing() as session:
                    listing.begin(session, name, clock())
            with database.writing() as session:
                # Perhaps the settings were mended since.
                probe_soon(session, clock())
        metrics = Metrics()
        pauses = Pauses(database, settings, clock)
        # Every call of these says what is wrong, so that they are paused and the operators told.
        every = {**clouds, **{name: Unusable(reasons) for name, reasons in wrong.items()}}
        guarded = calls.connected(every, settings, pauses, metrics)
        context = Context(database, settings, guarded, installation, clock, metrics=metrics)
        loop = Loop(context, reconcilers.every(context), stopping)
        log.info("ready", providers=sorted(clouds), pid=os.getpid())
        if options.once:
            loop.once()
            _end(loop)
        else:
            _run(context, loop, metrics, stopping)
    return 0


def _run(context: Context, loop: Loop, metrics: Metrics, stopping: Event) -> None:
    database = context.database
    presence = Presence(database, context.clock, lambda: loop.in_hand)
    with present(presence), _told(context, loop, metrics, stopping):
        with suppress(*UNREACHABLE), database.writing() as session:
            # What the settings say of a provider may be something else than before.
            check_soon(session, context.clock(), CHECK_SPREAD_SECONDS)
        loop.run()
        _end(loop, presence)


@contextmanager
def _told(context: Context, loop: Loop, metrics: Metrics, stopping: Event) -> Iterator[None]:
    """Tell numbers and health within the block, if the settings say where."""
    burst, database = context.settings.burst, context.database
    if burst.metrics_port is None:
        yield
        return

    def health() -> Mapping[str, str]:
        if stopping.is_set():
            return {"process": "stopping"}
        trouble = schema.state(database).trouble
        return {"database": "not of this release"} if trouble else {}

    metrics.tell_in_hand(lambda: loop.in_hand)
    metrics.tell_rows(database, context.clock)
    with listening(burst.metrics_host, burst.metrics_port, metrics.registry, health):
        yield


def _end(loop: Loop, presence: Presence | None = None) -> None:
    if loop.drain(DRAIN_SECONDS):
        log.info("stopped")
        return
    # A call that does not end would hold the process. What it made bears our identity, and is
    # found when the claim has run out.
    log.warning("stopped with calls in hand")
    if presence:
        presence.leave()
    logging.shutdown()
    os._exit(0)
