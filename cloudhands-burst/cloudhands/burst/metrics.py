"""The numbers that cloud-burst tells Prometheus.

What happens is counted as it happens; what stands in the database is read when somebody asks, so
that it costs nothing at rest.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from cloudhands.common import observing, schema, work
from cloudhands.common.clock import Clock
from cloudhands.common.db import Database
from cloudhands.common.listing.queries import by_provider
from cloudhands.common.provider.queries import paused, providers
from cloudhands.common.worker.queries import is_stale, workers

Families = Iterator[GaugeMetricFamily]


class Metrics:
    """The numbers of one process; safe to share among threads."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._calls = Counter(
            "cloudhands_cloud_calls",
            "Calls of clouds, by what came of them.",
            ("provider", "call", "outcome"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "cloudhands_cloud_call_seconds",
            "How long calls of clouds took.",
            ("provider", "call"),
            registry=self.registry,
        )

        self._listings = Counter(
            "cloudhands_listings",
            "Listings of providers, by what came of them.",
            ("provider", "outcome"),
            registry=self.registry,
        )
        self._listing_seconds = Histogram(
            "cloudhands_listing_seconds",
            "How long listings of providers took, with what was done about them.",
            ("provider",),
            registry=self.registry,
        )
        self._drift = Counter(
            "cloudhands_drift",
            "What differed in listings, by kind.",
            ("provider", "kind"),
            registry=self.registry,
        )

    def called(self, provider: str, call: str, outcome: str, seconds: float) -> None:
        """Count a call of a cloud."""
        self._calls.labels(provider, call, outcome).inc()
        self._seconds.labels(provider, call).observe(seconds)

    def not_called(self, provider: str, call: str) -> None:
        """Count a call that we put aside ourselves."""
        self._calls.labels(provider, call, "busy").inc()

    def listed(self, provider: str, outcome: str, seconds: float) -> None:
        """Count a listing of a provider, with all that was done about it.

        :param outcome: `noted`, `vanished` (not believed) or `trouble`.
        """
        self._listings.labels(provider, outcome).inc()
        self._listing_seconds.labels(provider).observe(seconds)

    def drifted(self, provider: str, found: Mapping[str, int]) -> None:
        """Count what differed in a listing.

        :param found: how many, by kind.
        """
        for kind, number in found.items():
            self._drift.labels(provider, kind).inc(number)

    def tell_in_hand(self, in_hand: Callable[[], int]) -> None:
        """Tell how many artifacts this process has in hand, whenever somebody asks."""
        gauge = Gauge(
            "cloudhands_in_hand", "Artifacts in hand in this process.", registry=self.registry
        )
        gauge.set_function(in_hand)

    def tell_rows(self, database: Database, clock: Clock) -> None:
        """Tell what stands in the database, whenever somebody asks."""
        self.registry.register(_Rows(database, clock))


class _Rows(Collector):
    """Numbers that are the same whichever process is asked."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def describe(self) -> Families:
        """Nothing, so that registering asks no database."""
        yield from ()

    def collect(self) -> Families:
        """Read them all in one transaction."""
        now = self._clock()
        with self._database.reading() as session:
            yield from _due(session, now)
            yield _paused(session)
            yield _workers(session, now)
            yield from _listed(session, now)
            observed = float(observing.is_on(session))
            yield GaugeMetricFamily("cloudhands_observing", "Whether it only observes.", observed)


def _due(session: Session, now: datetime) -> Families:
    number = GaugeMetricFamily(
        "cloudhands_due", "Artifacts that wait to be taken.", labels=["kind"]
    )
    oldest = GaugeMetricFamily(
        "cloudhands_oldest_due_seconds", "For how long the first of them has.", labels=["kind"]
    )
    for model in schema.due():
        found = work.backlog(session, model, now)
        number.add_metric([model.kind], found.number)
        age = (now - found.oldest).total_seconds() if found.oldest else 0
        oldest.add_metric([model.kind], age)
    yield number
    yield oldest


def _paused(session: Session) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "cloudhands_provider_paused", "Whether a provider is paused.", labels=["provider"]
    )
    why = paused(session)
    for provider in providers(session):
        family.add_metric([provider.name], float(provider.name in why))
    return family


def _listed(session: Session, now: datetime) -> Families:
    number = GaugeMetricFamily(
        "cloudhands_listed", "What the last listing told, by kind.", labels=["provider", "kind"]
    )
    age = GaugeMetricFamily(
        "cloudhands_listing_age_seconds", "How old that is.", labels=["provider"]
    )
    for provider, row in sorted(by_provider(session).items()):
        for kind, count in sorted(row.found.items()):
            number.add_metric([provider, kind], count)
        if row.read_at is not None:
            age.add_metric([provider], (now - row.read_at).total_seconds())
    yield number
    yield age


def _workers(session: Session, now: datetime) -> GaugeMetricFamily:
    family = GaugeMetricFamily("cloudhands_workers", "Processes of cloud-burst.", labels=["state"])
    stale = [is_stale(worker, now) for worker in workers(session)]
    family.add_metric(["working"], stale.count(False))
    family.add_metric(["stale"], stale.count(True))
    return family
