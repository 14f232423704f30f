"""Takes care of one appliance at a time: step after step, until there is nothing to do at once."""

from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import Connection

from cloudhands.burst import backoff
from cloudhands.burst.context import Context
from cloudhands.burst.outcome import Outcome
from cloudhands.burst.reconcilers.appliance.actions import Next
from cloudhands.burst.reconcilers.appliance.books import Books
from cloudhands.burst.reconcilers.appliance.entry import Overtaken
from cloudhands.burst.reconcilers.appliance.step import Step
from cloudhands.burst.reconcilers.appliance.view import read
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.work import Claim

# More than any way from one rest to the next has; a cloud that contradicts itself ends here.
STEPS = 12
UNEXPECTED = "Something unexpected went wrong here. The operators can see it in the log."


class ApplianceReconciler:
    """See `cloudhands.burst.reconcilers.Reconciler`."""

    model = Appliance

    def __init__(self, context: Context) -> None:
        self._context = context
        self._books = Books(context)

    def reconciling(
        self, connection: Connection, claims: Sequence[Claim]
    ) -> Sequence[Callable[[], Outcome]]:
        """See `Foresighted`."""
        views = read(connection, [claim.id for claim in claims])
        return [partial(self._reconcile, claim, Next(views[claim.id])) for claim in claims]

    def reconcile(self, claim: Claim) -> Outcome:
        """See `Reconciler`."""
        return self._reconcile(claim)

    def _reconcile(self, claim: Claim, known: Next | None = None) -> Outcome:
        records = self._books.records
        try:
            for _ in range(STEPS):
                outcome = Step(self._context, self._books, claim, known).take()
                if not isinstance(outcome, Next | None):
                    return outcome
                known = outcome
            return records.waiting(claim, records.view(claim))
        except Overtaken:
            return records.overtaken(claim)

    def stumbled(self, claim: Claim) -> Outcome:
        """See `Reconciler`."""
        return self._books.setbacks.trouble(claim, UNEXPECTED, backoff.TROUBLE)


def reconciler(context: Context) -> ApplianceReconciler:
    """The reconciler of appliances."""
    return ApplianceReconciler(context)
