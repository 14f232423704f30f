"""Probes a paused provider: one question that changes nothing there, further and further apart."""

from datetime import timedelta

import structlog

from cloudhands.burst.backoff import DENIED, PROBE, TROUBLE, Backoff
from cloudhands.burst.calls import even_if_paused
from cloudhands.burst.context import Context
from cloudhands.burst.outcome import Again, Done, Outcome
from cloudhands.burst.pace import AGAIN_SECONDS, NotCalled
from cloudhands.burst.unusable import refusal
from cloudhands.common import work
from cloudhands.common.actor.commands import component
from cloudhands.common.actor.queries import BURST
from cloudhands.common.cloud import CloudError, Denied
from cloudhands.common.forms import writable
from cloudhands.common.provider import pausing
from cloudhands.common.provider.tables import Provider
from cloudhands.common.work import Claim

log = structlog.get_logger("cloudhands.burst.provider")


class ProviderReconciler:
    """See `cloudhands.burst.reconcilers.Reconciler`."""

    model = Provider

    def __init__(self, context: Context) -> None:
        self._context = context

    def reconcile(self, claim: Claim) -> Outcome:
        """See `Reconciler`."""
        name, waits = self._read(claim)
        if not waits:
            return self._at_rest(claim)
        try:
            even_if_paused(self._context.cloud(name)).standing((), ())
        except NotCalled:
            return self._later(claim, AGAIN_SECONDS)
        except Denied as error:
            return self._still_paused(claim, refusal(error), DENIED)
        except CloudError as error:
            return self._still_paused(claim, str(error), PROBE)
        return self._resumed(claim)

    def stumbled(self, claim: Claim) -> Outcome:
        """See `Reconciler`."""
        with self._context.database.writing() as session:
            provider: Provider = work.held(session, claim)
            provider.attempt += 1
            return self._release(provider, claim, TROUBLE.after(provider.attempt))

    def _read(self, claim: Claim) -> tuple[str, bool]:
        with self._context.database.reading() as session:
            provider = session.get_one(Provider, claim.id)
            return provider.name, provider.pause_ends == "probe"

    def _at_rest(self, claim: Claim) -> Done:
        with self._context.database.writing() as session:
            work.release(work.held(session, claim), claim, None, self._context.clock())
        return Done()

    def _later(self, claim: Claim, after: float) -> Again:
        with self._context.database.writing() as session:
            return self._release(work.held(session, claim), claim, after)

    def _still_paused(self, claim: Claim, problem: str, backoff: Backoff) -> Again:
        with self._context.database.writing() as session:
            provider: Provider = work.held(session, claim)
            provider.attempt += 1
            after = backoff.after(provider.attempt)
            problem = writable(problem.rstrip("."))
            if provider.pause_ends == "probe" and provider.problem != problem:
                provider.problem = problem
                provider.version += 1
            outcome = self._release(provider, claim, after, problem)
            told = {"provider": provider.name, "attempt": provider.attempt}
        log.warning("still paused", **told, reason=problem, probe_in=round(after, 1))
        return outcome

    def _resumed(self, claim: Claim) -> Outcome:
        with self._context.database.writing() as session:
            now = self._context.clock()
            provider: Provider = work.held(session, claim)
            if provider.pause_ends != "probe":
                # An operator paused it meanwhile, or resumed it.
                return self._release(provider, claim, 0)
            actor = component(session, BURST, now)
            pausing.resume(session, actor, provider, "a probe went well", now)
            # Should the same trouble come back at once, the next probe is later.
            provider.attempt += 1
            work.release(provider, claim, None, now)
            name = provider.name
        log.warning("resumed", provider=name)
        return Done()

    def _release(self, provider: Provider, claim: Claim, after: float, problem: str = "") -> Again:
        now = self._context.clock()
        work.release(provider, claim, now + timedelta(seconds=after), now)
        return Again(after, problem)


def reconciler(context: Context) -> ProviderReconciler:
    """The reconciler of providers."""
    return ProviderReconciler(context)
