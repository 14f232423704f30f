"""Acts: observes, lets `decide` compare, does the one thing, has it written down; then again.

No transaction is open during a call of a cloud. A process that is killed anywhere between two
lines here leaves rows from which the next look goes on.
"""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import structlog

from cloudhands.burst import backoff
from cloudhands.burst.context import Context
from cloudhands.burst.outcome import Again, Outcome
from cloudhands.burst.reconcilers.appliance import decide as decisions
from cloudhands.burst.reconcilers.appliance.decide import Action, decide
from cloudhands.burst.reconcilers.appliance.observe import Sight, look
from cloudhands.burst.reconcilers.appliance.record import Overtaken, Records
from cloudhands.burst.reconcilers.appliance.user_data import user_data_of
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.cloud import (
    Cloud,
    CloudError,
    Denied,
    Full,
    Gone,
    Invalid,
    Server,
    Temporary,
)
from cloudhands.common.errors import ClaimLost
from cloudhands.common.work import Claim

log = structlog.get_logger("cloudhands.burst.appliance")

# More than any way from one rest to the next has; a cloud that contradicts itself ends here.
STEPS = 10
UNEXPECTED = "Something unexpected went wrong here. The operators can see it in the log."


class ApplianceReconciler:
    """See `cloudhands.burst.reconcilers.Reconciler`."""

    model = Appliance

    def __init__(self, context: Context) -> None:
        self._context = context
        self._records = Records(context)

    def reconcile(self, claim: Claim) -> Outcome:
        """See `Reconciler`."""
        try:
            for _ in range(STEPS):
                outcome = _Step(self._context, self._records, claim).take()
                if outcome is not None:
                    return outcome
            return self._records.waiting(claim, self._records.view(claim))
        except Overtaken:
            return self._records.overtaken(claim)

    def stumbled(self, claim: Claim) -> Outcome:
        """See `Reconciler`."""
        return self._records.trouble(claim, UNEXPECTED, backoff.TROUBLE)


class _Step:
    """One look, one decision, one action on one appliance."""

    def __init__(self, context: Context, records: Records, claim: Claim) -> None:
        self._context = context
        self._records = records
        self._claim = claim
        self._view = records.view(claim)
        self._sight = Sight()
        self._log = log.bind(appliance=str(self._view.uuid), provider=self._provider)

    def take(self) -> Outcome | None:
        """Do it; None if the next step is to follow at once."""
        started = time.monotonic()
        try:
            self._observe()
            action = decide(self._view, self._sight)
            outcome = self._do(action)
        except CloudError as error:
            return self._trouble(error)
        self._tell(action, outcome, time.monotonic() - started)
        return outcome

    def _tell(self, action: Action, outcome: Outcome | None, seconds: float) -> None:
        idle = isinstance(action, decisions.Wait | decisions.Rest)
        self._log.log(
            logging.DEBUG if idle else logging.INFO,
            _name(action),
            outcome=type(outcome).__name__.lower() if outcome else "next",
            seconds=round(seconds, 4),
        )

    @property
    def _provider(self) -> str:
        return self._view.node.provider if self._view.node else ""

    @property
    def _label(self) -> str:
        return self._context.label(self._provider)

    @property
    def _cloud(self) -> Cloud:
        return self._context.cloud(self._provider)

    @property
    def _server(self) -> Server:
        assert self._sight.server is not None, "decided without a server"
        return self._sight.server

    def _observe(self) -> None:
        view = self._view
        if view.node is not None and view.to_be_looked_at:
            identity = view.identity(self._context.installation)
            self._sight = look(
                self._cloud, identity, view.node, building=view.building, ending=view.ending
            )

    def _do(self, action: Action) -> Outcome | None:
        match action:
            case decisions.Create():
                return self._create()
            case decisions.Reap():
                return self._reap()
            case decisions.Call():
                return self._call(action)
        return self._write_down(action)

    def _write_down(self, action: Action) -> Outcome | None:
        """Do what needs no call of the cloud."""
        records, claim, view = self._records, self._claim, self._view
        match action:
            case decisions.Rest():
                return records.at_rest(claim, view)
            case decisions.Wait():
                return records.waiting(claim, view)
            case decisions.Retry():
                records.retried(claim, view)
            case decisions.Place():
                return records.placed(claim, view)
            case decisions.Adopt():
                records.told(claim, view, self._server)
            case decisions.Move():
                return records.moved(claim, view, action, self._server)
            case decisions.EndNode():
                records.node_ended(claim, view)
            case decisions.Finish():
                return records.finished(claim, view)
            case decisions.Fail():
                return records.failed(claim, view, action)
        return None

    def _create(self) -> Outcome | None:
        identity = self._view.identity(self._context.installation)
        self._records.renewed(self._claim, self._view)
        try:
            user_data = user_data_of(self._context, self._view, identity)
            server = self._cloud.create(self._view.spec(identity, self._provider, user_data))
        except Full as error:
            self._log.info("full", reason=str(error))
            self._records.full(self._claim, self._view)
            return None
        except Invalid as error:
            fail = decisions.Fail(f"{self._label} cannot make it: {error}", ended=True)
            return self._records.failed(self._claim, self._view, fail)
        try:
            self._records.told(self._claim, self._view, server)
        except (ClaimLost, Overtaken):
            self._clear_away(server)
            raise
        return None

    def _clear_away(self, server: Server) -> None:
        """Delete a server that came too late, unless whoever holds the appliance now may use it."""
        assert self._view.node is not None, "created without a node"
        if self._records.view(self._claim).keeps(self._view.node, server.id):
            return
        self._log.warning("came too late", server=server.id)
        try:
            self._cloud.delete(server.id)
        except CloudError as error:
            self._log.warning("not cleared away", server=server.id, problem=str(error))

    def _reap(self) -> Outcome:
        # A worker that was frozen here must not delete what another has come to keep.
        self._records.renewed(self._claim, self._view)
        for twin in self._sight.twins:
            self._log.warning("twin", server=twin.id, kept=self._server.id)
            with suppress(Gone):
                self._cloud.delete(twin.id)
        return self._records.waiting(self._claim, self._view)

    def _call(self, call: decisions.Call) -> Outcome | None:
        try:
            self._verbs[call.verb](self._server.id)
        except Gone:
            return None  # the next look tells what that means
        return self._records.called(self._claim, self._view, call)

    @property
    def _verbs(self) -> Mapping[str, Callable[[str], None]]:
        cloud = self._cloud
        return {"start": cloud.start, "stop": cloud.stop, "delete": cloud.delete}

    def _trouble(self, error: CloudError) -> Again:
        problem = f"{self._label}: {str(error).rstrip('.')}."
        told: dict[str, Any] = {"problem": str(error), "kind": type(error).__name__}
        if isinstance(error, Denied):
            self._log.error("denied", **told)
            return self._records.trouble(self._claim, problem, backoff.DENIED)
        self._log.warning("trouble", **told)
        wait = error.retry_after if isinstance(error, Temporary) else None
        return self._records.trouble(self._claim, problem, backoff.TROUBLE, wait)


def _name(action: Action) -> str:
    match action:
        case decisions.Call(verb=verb):
            return f"call {verb}"
        case decisions.Move(target=target):
            return f"move to {target}"
    return type(action).__name__.lower()


def reconciler(context: Context) -> ApplianceReconciler:
    """The reconciler of appliances."""
    return ApplianceReconciler(context)
