"""Which providers are paused, for whoever is about to call one; and pausing one that fails."""

import random
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from cloudhands.burst.backoff import DENIED, PROBE
from cloudhands.burst.pace import NotCalled
from cloudhands.common.actor.commands import component
from cloudhands.common.actor.queries import BURST
from cloudhands.common.clock import Clock
from cloudhands.common.db import Database
from cloudhands.common.mail.commands import post
from cloudhands.common.provider import commands, pausing, queries
from cloudhands.common.provider.tables import Provider
from cloudhands.common.settings import Settings

log = structlog.get_logger("cloudhands.burst.provider")

# What another process paused is heard of so soon.
FRESH_SECONDS = 1.0
# Resuming wakes what is put aside; should that be missed, it is looked at so soon.
ASIDE_SECONDS = 600.0
# Trouble that comes back within so long after a resumption is the same trouble.
SAME_TROUBLE = timedelta(minutes=10)
MAIL = "provider-paused"


class Paused(NotCalled):
    """The provider is paused."""


def put_aside(session: Session, provider: str) -> float:
    """How long to leave what found a provider paused, in seconds.

    To be asked for in the transaction that puts it aside, with its row locked: when the provider
    was resumed since, nobody will wake it any more, and it is looked at at once.
    """
    if provider not in queries.paused(session):
        return 0
    return ASIDE_SECONDS * random.uniform(0.5, 1)


def tell_operators(session: Session, settings: Settings, provider: Provider, now: datetime) -> None:
    """Write to the operators that a provider has just been paused, if the settings say where."""
    to, defined = settings.operators_mail, settings.providers.get(provider.name)
    if not to:
        return
    values = {
        "provider": provider.name,
        "label": defined.label if defined else provider.name,
        "reason": provider.problem,
    }
    post(session, to, MAIL, values, now, f"{MAIL}:{provider.uuid}:{provider.touch_count}")


class Pauses:
    """What this process knows of pauses; shared among threads.

    :param monotonic: seconds that only rise.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._monotonic = monotonic
        self._known: tuple[float, Mapping[str, str]] | None = None

    def check(self, provider: str) -> None:
        """Refuse to call a provider that is paused.

        :raises Paused: saying why.
        """
        known = self._known
        if known is None or self._monotonic() - known[0] > FRESH_SECONDS:
            known = self._read()
        # What is paused may have been resumed a moment ago, and its appliances woken.
        if provider in known[1] and (why := self._read()[1].get(provider)) is not None:
            raise Paused(f"it is paused: {why}", ASIDE_SECONDS)

    def _read(self) -> tuple[float, Mapping[str, str]]:
        at = self._monotonic()
        with self._database.reading() as session:
            self._known = (at, queries.paused(session))
        return self._known

    def pause(self, name: str, reason: str, *, denied: bool) -> None:
        """Pause a provider until a probe goes well, and tell the operators.

        :param denied: whether our credentials were refused, so that soon is no better than later.
        """
        with self._database.writing() as session:
            now = self._clock()
            commands.provider(session, name, now)
            provider = queries.by_name(session, name, lock=True)
            assert provider is not None, "made a line above"
            again = provider.since is not None and now - provider.since < SAME_TROUBLE
            attempt = provider.attempt if again else 0
            wait = (DENIED if denied else PROBE).after(attempt + 1)
            actor = component(session, BURST, now)
            probe_at = now + timedelta(seconds=wait)
            if not pausing.pause(session, actor, provider, reason, now, probe_at):
                return
            provider.attempt = attempt
            if not attempt:
                tell_operators(session, self._settings, provider, now)
        self._known = None
        log.error("paused", provider=name, reason=reason, probe_in=round(wait, 1))
