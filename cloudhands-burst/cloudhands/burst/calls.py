"""Every call of a cloud passes here: paced, measured, and not made while its provider is paused.

`connected` puts two relays around each cloud: `Paced` keeps to the settings' limits, counts and
times; `Pausing`, around it, makes no call of a provider that is paused, and pauses one that fails.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

import structlog

from cloudhands.burst.metrics import Metrics
from cloudhands.burst.pace import LONGEST_SECONDS, NotCalled, Pace
from cloudhands.burst.pauses import Pauses
from cloudhands.burst.relay import Relay
from cloudhands.burst.trouble import WINDOW, Call, reason_to_pause
from cloudhands.burst.unusable import refusal
from cloudhands.common.cloud import Cloud, CloudError, Denied, Temporary
from cloudhands.common.settings import Settings

log = structlog.get_logger("cloudhands.burst.calls")


class Paced(Relay):
    """Keeps to a provider's limits, counts its calls and times them.

    :param name: the provider's.
    """

    def __init__(self, cloud: Cloud, name: str, pace: Pace, metrics: Metrics) -> None:
        super().__init__(cloud)
        self._name = name
        self._pace = pace
        self._metrics = metrics

    @property
    def crowded(self) -> bool:
        """Whether as many calls are under way as may be."""
        return self._pace.crowded

    def _call(self, name: str, *about: object) -> Any:
        try:
            with self._pace.turn():
                return self._timed(name, *about)
        except NotCalled:
            self._metrics.not_called(self._name, name)
            raise

    def _timed(self, name: str, *about: object) -> Any:
        outcome, started = "unexpected", time.monotonic()
        try:
            result = super()._call(name, *about)
            outcome = "ok"
            return result
        except CloudError as error:
            outcome = type(error).__name__.lower()
            raise
        finally:
            seconds = time.monotonic() - started
            self._metrics.called(self._name, name, outcome, seconds)
            log.debug(
                "call", provider=self._name, call=name, outcome=outcome, seconds=round(seconds, 4)
            )


class Pausing(Relay):
    """Does not call a provider that is paused, and pauses one that fails.

    :param name: the provider's.
    :param monotonic: seconds that only rise.
    """

    def __init__(
        self,
        cloud: Paced,
        name: str,
        pauses: Pauses,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(cloud)
        self.paced = cloud
        self._name = name
        self._pauses = pauses
        self._monotonic = monotonic
        self._lock = Lock()
        self._calls: deque[Call] = deque(maxlen=WINDOW)

    def _call(self, name: str, *about: object) -> Any:
        self._pauses.check(self._name)
        try:
            result = super()._call(name, *about)
        except NotCalled:
            raise
        except CloudError as error:
            self._ended(_as_call(error, self._monotonic()))
            raise
        self._ended(Call(self._monotonic()))
        return result

    def _ended(self, call: Call) -> None:
        with self._lock:
            self._calls.append(call)
            reason = reason_to_pause(self._calls)
            if reason:
                self._calls.clear()
        if reason:
            self._pauses.pause(self._name, reason, denied=call.denied)


def _as_call(error: CloudError, at: float) -> Call:
    if isinstance(error, Denied):
        return Call(at, refusal(error), denied=True)
    trouble = str(error).rstrip(".")
    # One that says when to come back is at work, and only asks for time.
    failed = isinstance(error, Temporary) and error.retry_after is None
    return Call(at, trouble if failed else "")


def connected(
    clouds: Mapping[str, Cloud], settings: Settings, pauses: Pauses, metrics: Metrics
) -> Mapping[str, Cloud]:
    """The clouds of the settings, each behind its limits and its guard."""
    longest = min(LONGEST_SECONDS, settings.burst.claim / 4)
    share = _share(settings.burst.concurrency, len(clouds))
    made: dict[str, Cloud] = {}
    for name, cloud in clouds.items():
        provider = settings.providers[name]
        pace = Pace(min(provider.calls_at_once, share), provider.calls_per_second, longest)
        made[name] = Pausing(Paced(cloud, name, pace, metrics), name, pauses)
    return made


def _share(threads: int, providers: int) -> int:
    """How many of the threads one provider may hold: one that is slow leaves some to the others."""
    return threads if providers < 2 else max(1, threads - max(1, threads // 4))


def even_if_paused(cloud: Cloud) -> Cloud:
    """The same cloud for a probe, which is made while the provider is paused."""
    return cloud.paced if isinstance(cloud, Pausing) else cloud


def crowded(clouds: Mapping[str, Cloud]) -> list[str]:
    """The providers of which no more may be taken in hand now, by name."""
    return [
        name for name, cloud in clouds.items() if isinstance(cloud, Pausing) and cloud.paced.crowded
    ]
