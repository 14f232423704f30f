"""Lists a provider, compares, and sees to what differs."""

import math
import time
from datetime import timedelta

import structlog

from cloudhands.burst.backoff import TROUBLE
from cloudhands.burst.context import Context
from cloudhands.burst.outcome import Again, Done, Outcome
from cloudhands.burst.pace import AGAIN_SECONDS, NotCalled
from cloudhands.burst.pauses import Paused, put_aside, tell_operators
from cloudhands.burst.reconcilers.drift.compare import Findings, compare
from cloudhands.burst.reconcilers.drift.leftovers import Leftovers
from cloudhands.burst.reconcilers.drift.rows import Origin, known, origins
from cloudhands.common import work
from cloudhands.common.actor.commands import component
from cloudhands.common.actor.queries import BURST
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.cloud import CloudError, Identity
from cloudhands.common.listing.tables import ProviderListing
from cloudhands.common.provider import pausing
from cloudhands.common.provider.queries import by_name
from cloudhands.common.settings import Provider
from cloudhands.common.work import Claim

log = structlog.get_logger("cloudhands.burst.drift")

# What many differ in is looked at over so many seconds for each hundred of them.
SPREAD_SECONDS = 1.0
# So many servers are listed every `listing` seconds; of more each listing takes longer, and they
# are listed less often, so that what is at rest does not cost more because there is much of it.
OFTEN = 5_000
# So much that is left over is removed after one listing; the rest waits for the next.
MOST_AT_ONCE = 20


class DriftReconciler:
    """See `cloudhands.burst.reconcilers.Reconciler`."""

    model = ProviderListing

    def __init__(self, context: Context) -> None:
        self._context = context

    def reconcile(self, claim: Claim) -> Outcome:
        """See `Reconciler`."""
        provider_id, name = self._provider(claim)
        defined = self._context.settings.providers.get(name)
        if defined is None:
            return self._at_rest(claim)
        started = time.monotonic()
        try:
            outcome, how = self._listed(claim, provider_id, name, defined)
            self._count(name, how, started)
            return outcome
        except Paused:
            return self._put_aside(claim, name)
        except NotCalled as error:
            return self._again(claim, error.retry_after or AGAIN_SECONDS)
        except CloudError as error:
            log.warning("trouble", provider=name, problem=str(error), kind=type(error).__name__)
            self._count(name, "trouble", started)
            return self._trouble(claim, defined.listing)

    def stumbled(self, claim: Claim) -> Outcome:
        """See `Reconciler`."""
        return self._trouble(claim, math.inf)

    def _count(self, name: str, how: str, started: float) -> None:
        if self._context.metrics:
            self._context.metrics.listed(name, how, time.monotonic() - started)

    def _listed(
        self, claim: Claim, provider_id: int, name: str, defined: Provider
    ) -> tuple[Outcome, str]:
        listing = self._context.cloud(name).listed(self._context.installation)
        now = self._context.clock()
        with self._context.database.reading() as session:
            nodes = known(session, provider_id, name, defined.settle, now)
            found = compare(nodes, listing, defined.missing_share)
            identities = _strange(found)
            settled = now - timedelta(seconds=defined.settle)
            told = origins(session, provider_id, identities, settled) if identities else {}
        if found.vanished:
            return self._vanished(claim, name, found), "vanished"
        unknown = sum(origin is Origin.UNKNOWN for origin in told.values())
        seconds = defined.listing * max(1, len(nodes) / OFTEN)
        outcome = self._noted(claim, name, found, unknown, seconds)
        ended = {identity for identity, origin in told.items() if origin is Origin.ENDED}
        if self._context.metrics:
            self._context.metrics.drifted(name, {**found.differences, "unknown": unknown})
        self._clear_away(name, provider_id, defined, found, ended)
        return outcome, "noted"

    def _noted(
        self, claim: Claim, name: str, found: Findings, unknown: int, seconds: float
    ) -> Again:
        """Make due what differs, and write down the counts, where either is to be done."""
        look_at = {node.appliance_id: "it is not listed" for node in found.missing}
        look_at |= {node.appliance_id: how for node, how in found.differing}
        with self._context.database.writing() as session:
            now = self._context.clock()
            if look_at:
                # Whoever has been in hand or due meanwhile is looked at anyway.
                at_rest = (Appliance.id.in_(look_at), Appliance.due_at.is_(None))
                spread = SPREAD_SECONDS * (len(look_at) // 100)
                work.wake_all(session, Appliance, now, *at_rest, spread=spread)
            # After them: the order is that of `common.placement.commands`.
            row: ProviderListing = work.held(session, claim)
            counts = {**found.counts, "unknown": unknown}
            news = unknown != (row.found or {}).get("unknown", 0)
            if counts != row.found:
                row.found = counts
            row.read_at, row.attempt = now, 0
            work.release(row, claim, now + timedelta(seconds=seconds), now)
        for node in (*found.missing, *(node for node, _ in found.differing)):
            why = look_at[node.appliance_id]
            log.warning("differs", provider=name, appliance=node.appliance, why=why)
        if news:
            remedy = f"cloud-admin reconcile --provider {name}"
            log.warning("unknown here", provider=name, number=unknown, remedy=remedy)
        return Again(seconds)

    def _clear_away(
        self, name: str, provider_id: int, defined: Provider, found: Findings, ended: set[Identity]
    ) -> None:
        leftovers = Leftovers(
            self._context.database,
            self._context.clock,
            self._context.cloud(name),
            name,
            provider_id,
            defined.settle,
            self._context.settings.burst.claim,
        )
        servers = [server for server in found.strangers if server.identity in ended]
        identities = [identity for identity in found.strange_held if identity in ended]
        try:
            for server in servers[:MOST_AT_ONCE]:
                leftovers.delete(server)
            for identity in identities[:MOST_AT_ONCE]:
                leftovers.release(identity)
        except CloudError as error:
            # The next listing shows what is left of them.
            log.warning("not removed", provider=name, problem=str(error))

    def _vanished(self, claim: Claim, name: str, found: Findings) -> Again:
        """Believe nothing of such a listing: an operator has to look."""
        missing, expected = len(found.missing), found.expected
        reason = f"{missing} of the {expected} servers that are known there are not listed any more"
        with self._context.database.writing() as session:
            now = self._context.clock()
            provider = by_name(session, name, lock=True)
            assert provider is not None, "listed, so it has a row"
            # After the provider: the order is that of `common.placement.commands`.
            row: ProviderListing = work.held(session, claim)
            actor = component(session, BURST, now)
            if pausing.pause(session, actor, provider, reason, now):
                tell_operators(session, self._context.settings, provider, now)
            row.attempt += 1
            after = put_aside(session, name)
            work.release(row, claim, now + timedelta(seconds=after), now)
        remedy = f"cloud-admin reconcile --provider {name}"
        log.error("vanished", provider=name, missing=missing, known=expected, remedy=remedy)
        return Again(after)

    def _provider(self, claim: Claim) -> tuple[int, str]:
        with self._context.database.reading() as session:
            provider = session.get_one(ProviderListing, claim.id).provider
            return provider.id, provider.name

    def _at_rest(self, claim: Claim) -> Done:
        """The settings do not define it any more; should they again, a start has it listed."""
        with self._context.database.writing() as session:
            work.release(work.held(session, claim), claim, None, self._context.clock())
        return Done()

    def _put_aside(self, claim: Claim, name: str) -> Again:
        with self._context.database.writing() as session:
            row: ProviderListing = work.held(session, claim)
            return self._release(row, claim, put_aside(session, name))

    def _again(self, claim: Claim, after: float) -> Again:
        with self._context.database.writing() as session:
            return self._release(work.held(session, claim), claim, after)

    def _trouble(self, claim: Claim, seconds: float) -> Again:
        """Try again, no later than it would be listed next."""
        with self._context.database.writing() as session:
            row: ProviderListing = work.held(session, claim)
            row.attempt += 1
            return self._release(row, claim, min(TROUBLE.after(row.attempt), seconds))

    def _release(self, row: ProviderListing, claim: Claim, after: float) -> Again:
        now = self._context.clock()
        work.release(row, claim, now + timedelta(seconds=after), now)
        return Again(after)


def _strange(found: Findings) -> set[Identity]:
    return {server.identity for server in found.strangers} | set(found.strange_held)


def reconciler(context: Context) -> DriftReconciler:
    """The reconciler of listings."""
    return DriftReconciler(context)
