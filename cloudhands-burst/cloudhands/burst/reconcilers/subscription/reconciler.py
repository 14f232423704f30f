"""Asks a cloud whether it can be used, and what of its quota is."""

import time
from collections.abc import Callable

import structlog

from cloudhands.burst.backoff import TROUBLE
from cloudhands.burst.context import Context
from cloudhands.burst.outcome import Outcome
from cloudhands.burst.pace import AGAIN_SECONDS, Busy
from cloudhands.burst.pauses import Paused
from cloudhands.burst.reconcilers.subscription.judge import Verdict, judge
from cloudhands.burst.reconcilers.subscription.record import Records, View
from cloudhands.burst.unusable import refusal
from cloudhands.common.catalogue.queries import Named
from cloudhands.common.cloud import CloudError, Denied, Standing, Temporary
from cloudhands.common.provider.tables import Subscription
from cloudhands.common.work import Claim

log = structlog.get_logger("cloudhands.burst.subscription")

# Many organisations use one provider with the same credentials: it is asked once for all of them.
SHARED_SECONDS = 30.0
UNEXPECTED = "Something unexpected went wrong here. The operators can see it in the log."


class SubscriptionReconciler:
    """See `cloudhands.burst.reconcilers.Reconciler`.

    :param monotonic: seconds that only rise.
    """

    model = Subscription

    def __init__(self, context: Context, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._context = context
        self._records = Records(context)
        self._monotonic = monotonic
        self._answers: dict[str, tuple[float, Named, Standing]] = {}

    def reconcile(self, claim: Claim) -> Outcome:
        """See `Reconciler`."""
        view = self._records.view(claim)
        if view.state == "inactive":
            return self._records.at_rest(claim)
        try:
            standing = self._ask(view)
        except Busy as error:
            return self._records.later(claim, error.retry_after or AGAIN_SECONDS)
        except Paused as error:
            return self._records.put_aside(claim, view, str(error))
        except Denied as error:
            return self._judged(claim, view, Verdict(False, refusal(error)))
        except CloudError as error:
            log.warning("trouble", provider=view.provider, problem=str(error))
            wait = error.retry_after if isinstance(error, Temporary) else None
            return self._records.trouble(claim, str(error).rstrip("."), TROUBLE, wait)
        return self._judged(claim, view, judge(view.named, standing), standing)

    def stumbled(self, claim: Claim) -> Outcome:
        """See `Reconciler`."""
        return self._records.trouble(claim, UNEXPECTED, TROUBLE)

    def _ask(self, view: View) -> Standing:
        cloud = self._context.cloud(view.provider)
        known = self._answers.get(view.provider)
        if known and known[1] == view.named and self._monotonic() - known[0] < SHARED_SECONDS:
            return known[2]
        standing = cloud.standing(sorted(view.named.images), sorted(view.named.sizes))
        self._answers[view.provider] = (self._monotonic(), view.named, standing)
        return standing

    def _judged(
        self, claim: Claim, view: View, verdict: Verdict, standing: Standing | None = None
    ) -> Outcome:
        tell = log.warning if verdict.problem else log.info
        tell(
            "checked",
            subscription=claim.id,
            provider=view.provider,
            usable=verdict.usable,
            problem=verdict.problem,
        )
        return self._records.judged(claim, view, verdict, standing)


def reconciler(context: Context) -> SubscriptionReconciler:
    """The reconciler of subscriptions."""
    return SubscriptionReconciler(context)
