"""Keeps the index as a process: with its status, its numbers, and an end in time.

The work goes on in a thread of its own. It looks often whether it has to stop; where it cannot, the
process ends all the same: every change of the index is whole or not there, whatever ends it.
"""

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from cloudhands.common import service, settings
from cloudhands.common.errors import CloudhandsError, IndexUnavailable, Refused
from cloudhands.common.listener import listening
from cloudhands.web.index import background, engine, sync
from cloudhands.web.index.metrics import Metrics
from cloudhands.web.index.progress import Shown
from cloudhands.web.index.request import Confirmation, Rebuild
from cloudhands.web.index.status import Journal

# Of the second or two that whoever stops it waits.
GRACE_SECONDS = 1.5

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Wanted:
    """What somebody wants of the process.

    :param once: to end after one sync.
    :param anew: to read everybody, whatever the index says.
    :param confirmed: that deletions are believed, however many.
    :param interval: seconds from one look at the directory to the next.
    """

    once: bool
    anew: bool
    confirmed: bool
    interval: float


def keep(configured: settings.Settings, source: settings.Directory, wanted: Wanted) -> None:
    """Keep the index until SIGTERM, or until it is synced once.

    :raises Refused: if it had to stop before the one sync was over.
    :raises ConfigurationError: if another process keeps it, or it cannot be written.
    :raises DirectoryError: if the one sync fails; `IndexUnavailable` too.
    """
    stopping = service.stop_on_signals()
    keeper = _Keeper(configured, source, wanted, stopping)
    in_time = background.ends_in_time(keeper.work, stopping, GRACE_SECONDS, keeper.journal.beat)
    if not in_time:
        log.info("stopped in the middle of a step, which is not done")
        keeper.journal.end()
        logging.shutdown()
        os._exit(service.EXIT_REFUSED if wanted.once else 0)
    if wanted.once and stopping.is_set():
        raise Refused("stopped before everybody was read; the index stays as it was")


class _Keeper:
    """One process that writes the index."""

    def __init__(
        self,
        configured: settings.Settings,
        source: settings.Directory,
        wanted: Wanted,
        stopping: threading.Event,
    ) -> None:
        self._configured = configured
        self._source = source
        self._wanted = wanted
        self._stopping = stopping
        self._folder: Path = configured.path(configured.index.folder)
        self._reader = engine.Reader(self._folder)
        self._confirmation = Confirmation(self._folder)
        self._rebuild = Rebuild(self._folder)
        self._shown = Shown()
        self.journal = Journal(self._folder, follows=not wanted.once)
        self._metrics = Metrics(self._reader, self.journal)

    def work(self) -> None:
        """Sync until it is over."""
        stamp, wanted = engine.stamp_of(self._source), self._wanted
        with engine.writer(self._folder, stamp, anew=wanted.anew, told=self._committed) as writer:
            self.journal.begin()
            if wanted.anew:
                # Who asked the one before for it is answered too.
                self._rebuild.is_given()
            try:
                with self._listening():
                    self._sync(writer)
            except background.Stopped:
                pass
            except CloudhandsError as error:
                self.journal.failed(error)
                raise
            finally:
                self._shown.end()
                self.journal.end()

    def _sync(self, writer: engine.Writer) -> None:
        wanted, state, source = self._wanted, self._configured.state, self._source
        share = self._configured.index.missing_share
        if wanted.once:
            sync.once(
                writer,
                source,
                state,
                told=self._told,
                missing_share=share,
                confirmed=self._is_confirmed,
                stopping=self._stopping,
            )
            return
        sync.follow(
            writer,
            source,
            state,
            self._stopping,
            wanted.interval,
            told=self._told,
            seen=self._seen,
            missing_share=share,
            confirmed=self._is_confirmed,
            anew=self._rebuild.is_given,
            called=self._is_called,
        )

    def _is_called(self) -> bool:
        # Both are looked at: one of them must not keep the other for later.
        return any([self._rebuild.is_new(), self._confirmation.is_new()])

    def _is_confirmed(self) -> bool:
        return self._wanted.confirmed or self._confirmation.is_given()

    def _told(self, progress: sync.Progress) -> None:
        self.journal.told(progress)
        self._shown.told(progress)

    def _seen(self, contact: sync.Contact) -> None:
        self.journal.seen(contact)
        self._metrics.seen(contact)

    def _committed(self, commit: engine.Commit) -> None:
        self._shown.end()
        self.journal.committed(commit)
        self._metrics.committed(commit)
        self._confirmation.committed(commit)
        self._rebuild.committed(commit)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Tell numbers and health within the block, if the settings say where."""
        index = self._configured.index
        if index.metrics_port is None or self._wanted.once:
            yield
            return
        with listening(
            index.metrics_host, index.metrics_port, self._metrics.registry, self._health
        ):
            yield

    def _health(self) -> Mapping[str, str]:
        if self._stopping.is_set():
            return {"process": "stopping"}
        found = {}
        try:
            self._reader.snapshot()
        except IndexUnavailable:
            found["index"] = "missing"
        if self.journal.status.in_trouble:
            found["directory"] = "not followed"
        return found
