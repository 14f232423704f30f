"""Writes down what came of looking at a subscription: one short transaction each."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from cloudhands.burst.backoff import Backoff
from cloudhands.burst.context import Context
from cloudhands.burst.outcome import Again, Done, Outcome
from cloudhands.burst.pauses import put_aside
from cloudhands.burst.reconcilers.subscription.judge import STEPS, Verdict
from cloudhands.common import work
from cloudhands.common.actor.commands import component
from cloudhands.common.actor.queries import BURST
from cloudhands.common.catalogue.queries import Named, named_at
from cloudhands.common.cloud import Standing
from cloudhands.common.forms import writable
from cloudhands.common.machine import move
from cloudhands.common.provider.pausing import wake_unplaced
from cloudhands.common.provider.states import SUBSCRIPTION
from cloudhands.common.provider.tables import Subscription
from cloudhands.common.work import Claim

# What a cloud has is looked at again within the hour; sooner where we cannot use it.
HOURLY = Backoff(first=3600, cap=3600)
SOON = Backoff(first=60, cap=600)


@dataclass(frozen=True)
class View:
    """What is to be asked of a cloud.

    :param provider: its name in the settings.
    :param named: what the catalogue names there.
    :param organisation_id: the row of whose it is.
    """

    state: str
    provider: str
    named: Named
    organisation_id: int


class Records:
    """What the reconciler reads and writes; see there on lost claims."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def view(self, claim: Claim) -> View:
        """The subscription as it is written down now."""
        with self._context.database.reading() as session:
            row = session.get_one(Subscription, claim.id)
            name = row.provider.name
            return View(row.state, name, named_at(session, name), row.organisation_id)

    def at_rest(self, claim: Claim) -> Done:
        """Nothing is to be looked at: the operator ended it."""
        with self._context.database.writing() as session:
            work.release(work.held(session, claim), claim, None, self._context.clock())
        return Done()

    def judged(
        self, claim: Claim, view: View, verdict: Verdict, standing: Standing | None = None
    ) -> Outcome:
        """Write down what a cloud's answer means.

        :param standing: what it said of its quota, if it did.
        """
        with self._context.database.writing() as session:
            if "active" in STEPS[view.state, verdict.usable]:
                # Before its own row is locked: the order is that of `common.placement.commands`.
                wake_unplaced(session, [view.organisation_id], self._context.clock())
            row: Subscription = work.held(session, claim)
            if row.state != view.state:
                return self._release(row, claim, 0)
            self._move(session, row, verdict)
            _tell(row, verdict.problem)
            if standing is not None:
                row.quota, row.read_at = _quota(standing), self._context.clock()
            row.attempt = 0 if verdict.usable else row.attempt + 1
            after = (HOURLY if verdict.usable else SOON).after(row.attempt or 1)
            return self._release(row, claim, after, verdict.problem)

    def trouble(
        self, claim: Claim, problem: str, backoff: Backoff, retry_after: float | None = None
    ) -> Again:
        """The cloud did not answer: that says nothing of the subscription."""
        with self._context.database.writing() as session:
            row: Subscription = work.held(session, claim)
            _tell(row, problem)
            row.attempt += 1
            return self._release(row, claim, backoff.after(row.attempt, retry_after), problem)

    def put_aside(self, claim: Claim, view: View, problem: str) -> Again:
        """The provider is paused: it is looked at when that has ended."""
        with self._context.database.writing() as session:
            row: Subscription = work.held(session, claim)
            _tell(row, problem)
            return self._release(row, claim, put_aside(session, view.provider), problem)

    def later(self, claim: Claim, after: float) -> Again:
        """We may not call the cloud just now."""
        with self._context.database.writing() as session:
            return self._release(work.held(session, claim), claim, after)

    def _move(self, session: Session, row: Subscription, verdict: Verdict) -> None:
        now = self._context.clock()
        actor = component(session, BURST, now)
        why = {
            "active": "the cloud can be used",
            "maintenance": verdict.problem,
            "unchecked": "it was looked at again",
        }
        for target in STEPS[row.state, verdict.usable]:
            move(session, SUBSCRIPTION, row, target, actor, why[target], now)

    def _release(self, row: Subscription, claim: Claim, after: float, problem: str = "") -> Again:
        now = self._context.clock()
        work.release(row, claim, now + timedelta(seconds=after), now)
        return Again(after, problem)


def _tell(row: Subscription, problem: str) -> None:
    """Show a problem, or that there is none any more, as one change."""
    problem = writable(problem)
    if row.problem != problem:
        row.problem = problem
        row.version += 1


def _quota(standing: Standing) -> dict[str, Any]:
    return {name: {"used": room.used, "limit": room.limit} for name, room in standing.quota.items()}
