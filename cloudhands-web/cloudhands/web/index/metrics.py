"""The numbers that cloud-index tells Prometheus."""

from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from cloudhands.common.errors import IndexUnavailable
from cloudhands.web.index import engine
from cloudhands.web.index.report import lag
from cloudhands.web.index.status import Journal
from cloudhands.web.index.sync import Contact

Families = Iterator[GaugeMetricFamily]


class Metrics:
    """The numbers of one process; safe to share among threads.

    :param reader: of the index, as everybody reads it.
    :param journal: how this process stands.
    """

    def __init__(self, reader: engine.Reader, journal: Journal) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.registry.register(_Now(reader, journal))
        self._changes = Counter(
            "cloudhands_index_changes",
            "People put into the index or removed from it.",
            ("kind",),
            registry=self.registry,
        )
        self._commits = Histogram(
            "cloudhands_index_commit_seconds",
            "How long commits took, by kind; those that build it anew with the reading.",
            ("kind",),
            registry=self.registry,
        )
        self._failures = Counter(
            "cloudhands_index_failures",
            "Attempts to sync that failed.",
            registry=self.registry,
        )
        self._failed = 0

    def committed(self, commit: engine.Commit) -> None:
        """Count a commit."""
        self._changes.labels("put").inc(commit.put)
        self._changes.labels("removed").inc(commit.removed)
        self._commits.labels("anew" if commit.anew else "change").observe(commit.seconds)

    def seen(self, contact: Contact) -> None:
        """Count what went wrong with the directory."""
        self._failures.inc(contact.failures - self._failed)
        self._failed = contact.failures


class _Now(Collector):
    """What holds at the moment somebody asks."""

    def __init__(self, reader: engine.Reader, journal: Journal) -> None:
        self._reader = reader
        self._journal = journal

    def describe(self) -> Families:
        """Nothing, so that registering reads no index."""
        yield from ()

    def collect(self) -> Families:
        """The index's size and age, and how it stands with the directory."""
        status, now = self._journal.status, datetime.now(UTC)
        connected = GaugeMetricFamily(
            "cloudhands_index_connected", "Whether there is a connection.", labels=["protocol"]
        )
        connected.add_metric([status.protocol], float(bool(status.server)))
        yield connected
        trouble = float(status.in_trouble)
        yield GaugeMetricFamily(
            "cloudhands_index_in_trouble", "Whether the last attempt to sync failed.", trouble
        )
        try:
            snapshot = self._reader.snapshot()
        except IndexUnavailable:
            return
        age = max(0.0, (now - snapshot.synced).total_seconds())
        yield GaugeMetricFamily("cloudhands_index_people", "People in it.", snapshot.people)
        yield GaugeMetricFamily(
            "cloudhands_index_age_seconds", "Since it was known to be the directory's.", age
        )
        yield GaugeMetricFamily(
            "cloudhands_index_lag_seconds",
            "How far it may be behind the directory: nothing while every change is told.",
            lag(status, age),
        )
