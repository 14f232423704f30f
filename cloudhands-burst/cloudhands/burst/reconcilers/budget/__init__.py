"""Reckons what organisations with a budget have spent this month, once an hour each.

History is read without holding a transaction open for writing; it costs what the month's history
does. An organisation without a budget costs nothing.
"""

from datetime import timedelta

import structlog

from cloudhands.burst import backoff
from cloudhands.burst.context import Context
from cloudhands.burst.outcome import Again
from cloudhands.common import work
from cloudhands.common.errors import ClaimLost
from cloudhands.common.placement.spending import RECKONED_SECONDS, reckon
from cloudhands.common.placement.tables import Budget
from cloudhands.common.work import Claim

log = structlog.get_logger("cloudhands.burst.budget")

UNEXPECTED = "Something unexpected went wrong here. The operators can see it in the log."


class BudgetReconciler:
    """See `cloudhands.burst.reconcilers.Reconciler`."""

    model = Budget

    def __init__(self, context: Context) -> None:
        self._context = context

    def reconcile(self, claim: Claim) -> Again:
        """See `Reconciler`."""
        now = self._context.clock()
        with self._context.database.reading() as session:
            budget = session.get(Budget, claim.id)
            if budget is None:
                raise ClaimLost(f"budget {claim.id} was taken back")
            organisation_id = budget.organisation_id
            spent = reckon(session, self._context.settings, organisation_id, now)
        with self._context.database.writing() as session:
            budget = work.held(session, claim)
            budget.spent_cents, budget.spent_at, budget.attempt = spent, now, 0
            work.release(budget, claim, now + timedelta(seconds=RECKONED_SECONDS), now)
        log.debug("reckoned", organisation=organisation_id, spent_cents=spent)
        return Again(RECKONED_SECONDS)

    def stumbled(self, claim: Claim) -> Again:
        """See `Reconciler`."""
        with self._context.database.writing() as session:
            budget: Budget = work.held(session, claim)
            budget.attempt += 1
            after = backoff.TROUBLE.after(budget.attempt)
            now = self._context.clock()
            work.release(budget, claim, now + timedelta(seconds=after), now)
        return Again(after, UNEXPECTED)


def reconciler(context: Context) -> BudgetReconciler:
    """The reconciler of budgets."""
    return BudgetReconciler(context)
