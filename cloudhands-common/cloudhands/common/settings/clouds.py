"""The clouds, and how `cloud-burst` works with them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, field_validator

from cloudhands.common.settings.values import Days, Name, Seconds, Table


class Price(Table):
    """What one of a provider's sizes costs an hour.

    `size` is the provider's own name of it. A server costs `running` while it runs, and `stopped`
    while it is kept; both are in `currency`.
    """

    size: str
    running: Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
    stopped: Annotated[Decimal, Field(ge=0, allow_inf_nan=False)] = Decimal(0)


class Provider(Table):
    """A cloud: `kind` names the adapter, `options` are the adapter's own.

    `label` is its name for people. The lowest `priority` is tried first; one that is `public` only
    for organisations that consent. `prices` are those of its sizes.

    `location` is where data lie there, as organisations name it. At most `calls_at_once` calls are
    under way in each process, and at most `calls_per_second` begin. Everything there is listed
    every `listing` seconds, beyond 5,000 servers less often; where more than `missing_share` of
    the known servers is missing from it, the provider is paused. A server whose creation nobody
    told us of is looked for during `settle` seconds before another is asked for. One that is still
    being built `build_seconds` after it was asked for is deleted, and counts as one that could not
    be built.
    """

    kind: Name
    label: str
    public: bool = False
    priority: int = 100
    location: str = ""
    prices: tuple[Price, ...] = ()
    calls_at_once: Annotated[int, Field(ge=1, le=256)] = 16
    calls_per_second: Annotated[float, Field(gt=0, le=10_000)] = 50
    listing: Seconds = 30
    missing_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    settle: Annotated[float, Field(ge=0, le=3600)] = 60
    build_seconds: Annotated[float, Field(ge=1, le=86_400)] = 1800
    options: Mapping[str, Any] = Field(default_factory=dict)

    @field_validator("prices")
    @classmethod
    def _one_price_for_a_size(cls, prices: tuple[Price, ...]) -> tuple[Price, ...]:
        sizes = [price.size for price in prices]
        if twice := sorted({size for size in sizes if sizes.count(size) > 1}):
            raise ValueError(f"more than one price for {', '.join(twice)}")
        return prices


class Burst(Table):
    """How `cloud-burst` works.

    Each process has up to `concurrency` artifacts in hand. A claim on one lasts `claim` seconds: so
    long does it wait if its process is killed. A cloud that was full is not asked again for
    `full_memory` seconds.

    With `metrics_port` set it tells numbers (`/metrics`) and its health (`/health/live`,
    `/health/ready`) at `metrics_host`; port 0 is one that is free, which the log names. Nobody is
    asked who they are there: leave it on loopback, or behind a firewall.
    """

    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    claim: Seconds = 15
    full_memory: Seconds = 60
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=0, le=65535)] | None = None


class Appliances(Table):
    """How long appliances last, and their machines may take to be set up.

    `lifetime_days` holds for catalogue items that do not say it themselves; without it these never
    expire. It counts for what is launched or extended from then on. What has expired is stopped,
    and deleted `grace_days` later.

    A machine that runs and has not reported how its own set-up ended for `booting_minutes` is shown
    as one that should be looked at.
    """

    lifetime_days: Days | None = None
    grace_days: Annotated[int, Field(ge=1, le=365)] = 7
    booting_minutes: Annotated[int, Field(ge=1, le=1440)] = 30
