"""Acts: observes, lets `decide` compare, does the one thing, has it written down.

No transaction is open during a call of a cloud. A process that is killed anywhere between two
lines here leaves rows from which the next look goes on.
"""

import functools
import logging
import re
import time
from dataclasses import replace
from typing import Any

import structlog

from cloudhands.burst import backoff
from cloudhands.burst.context import Context
from cloudhands.burst.outcome import Again, Outcome
from cloudhands.burst.pace import AGAIN_SECONDS, NotCalled
from cloudhands.burst.pauses import Paused
from cloudhands.burst.reconcilers.appliance import actions
from cloudhands.burst.reconcilers.appliance.actions import Action, Next
from cloudhands.burst.reconcilers.appliance.asking import Asking
from cloudhands.burst.reconcilers.appliance.books import Books
from cloudhands.burst.reconcilers.appliance.decide import decide
from cloudhands.burst.reconcilers.appliance.observe import Sight, look, twins
from cloudhands.common.cloud import Cloud, CloudError, Denied, Server, Temporary
from cloudhands.common.work import Claim

log = structlog.get_logger("cloudhands.burst.appliance")

# Shorter times are told in seconds.
SHORT_SECONDS = 120


class Step:
    """One look, one decision, one action on one appliance.

    :param known: what the step before knows; None to read it.
    """

    def __init__(
        self, context: Context, books: Books, claim: Claim, known: Next | None = None
    ) -> None:
        self._context = context
        self._books = books
        self._claim = claim
        known = known or Next(books.records.view(claim))
        self._view = known.view
        self._told = known.server
        self._sight = Sight()
        self._log = log.bind(
            appliance=str(self._view.uuid),
            provider=self._provider,
            attempt=self._view.attempt + 1,
        )

    def take(self) -> Outcome | Next | None:
        """Do it; `Next` or None if another step is to follow at once."""
        started = time.monotonic()
        try:
            self._observe()
            action = decide(self._view, self._sight)
            if isinstance(action, actions.Rest) and self._sight.server:
                # Seldom, and so the time to see what it has no use for.
                self._look_for_twins(self._sight.server)
                action = decide(self._view, self._sight)
            outcome = self._do(action)
        except NotCalled as error:
            return self._not_called(error)
        except CloudError as error:
            return self._trouble(error, time.monotonic() - started)
        self._tell(action, outcome, time.monotonic() - started)
        return outcome

    def _tell(self, action: Action, outcome: Outcome | Next | None, seconds: float) -> None:
        idle = isinstance(action, actions.Wait | actions.Rest)
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
                self._cloud,
                identity,
                view.node,
                building=view.building,
                settles_in=self._settles_in(),
                overdue=self._overdue() if view.building else "",
                told=self._told,
            )

    def _look_for_twins(self, server: Server) -> None:
        identity = self._view.identity(self._context.installation)
        self._sight = replace(self._sight, twins=twins(self._cloud, identity, server))

    def _settles_in(self) -> float:
        since = self._since_asked()
        if since is None:
            return 0
        # A clock that was set back makes nothing wait for longer.
        return max(self._context.settle(self._provider) - max(since, 0), 0)

    def _overdue(self) -> str:
        most, since = self._context.build_seconds(self._provider), self._since_asked()
        if since is None or since < most:
            return ""
        return f"{most:g} seconds" if most < SHORT_SECONDS else f"{most / 60:.0f} minutes"

    def _since_asked(self) -> float | None:
        asked_at = self._view.node.asked_at if self._view.node else None
        return None if asked_at is None else (self._context.clock() - asked_at).total_seconds()

    def _do(self, action: Action) -> Outcome | Next | None:
        asking = Asking(self._context, self._books, self._claim, self._view, self._sight, self._log)
        match action:
            case actions.Create():
                return asking.create()
            case actions.Reap():
                return asking.reap()
            case actions.GiveAddress():
                return asking.give_address()
            case actions.Reboot():
                return asking.reboot()
            case actions.Resize():
                return asking.resize()
            case actions.Call():
                return asking.call(action)
            case actions.EndNode() | actions.Finish() | actions.Fail(ended=True):
                asking.release()
        return self._write_down(action)

    def _write_down(self, action: Action) -> Outcome | Next | None:
        """Do what needs no call of the cloud."""
        records, claim, view = self._books.records, self._claim, self._view
        match action:
            case actions.Rest():
                return records.at_rest(claim, view, self._sight.server)
            case actions.Wait():
                return records.waiting(claim, view)
            case actions.Retry():
                records.retried(claim, view)
            case actions.Place():
                return records.placed(claim, view)
            case actions.Adopt():
                records.told(claim, view, self._server)
            case actions.Move():
                return records.moved(claim, view, action, self._server)
            case actions.EndNode():
                records.node_ended(claim, view)
            case actions.Finish():
                return records.finished(claim, view)
            case actions.Resized():
                self._books.changes.resized(claim, view)
            case actions.TakeSize(size=size):
                self._books.changes.took_size(claim, view, size)
        return self._write_down_setback(action)

    def _write_down_setback(self, action: Action) -> Outcome | Next | None:
        setbacks, claim, view = self._books.setbacks, self._claim, self._view
        match action:
            case actions.Settle():
                return setbacks.unsettled(claim, view, self._sight.settles_in)
            case actions.GiveUp(reason=reason, full=full):
                setbacks.gave_up(claim, view, reason, full=full)
            case actions.Fail():
                return setbacks.failed(claim, view, action)
        return None

    def _not_called(self, error: NotCalled) -> Again | None:
        """We keep to a limit of our own, or the provider is paused: nothing has failed."""
        setbacks = self._books.setbacks
        if isinstance(error, Paused) and self._view.unasked:
            self._left()
            return None
        if isinstance(error, Paused):
            return setbacks.put_aside(self._claim, self._provider, self._sentence(error))
        return setbacks.later(self._claim, error.retry_after or AGAIN_SECONDS)

    def _left(self) -> bool:
        label = self._context.label(self._provider)
        left = self._books.setbacks.left(self._claim, self._view, label)
        if left:
            self._log.info("placed anew")
        return left

    def _sentence(self, error: CloudError) -> str:
        return f"{self._context.label(self._provider)}: {str(error).rstrip('.')}."

    def _trouble(self, error: CloudError, seconds: float) -> Again | None:
        problem = self._sentence(error)
        told: dict[str, Any] = {
            "problem": str(error),
            "kind": type(error).__name__,
            "seconds": round(seconds, 4),
        }
        trouble = self._books.setbacks.trouble
        if isinstance(error, Denied):
            self._log.error("denied", **told)
            if self._view.unasked and self._left():
                return None
            return trouble(self._claim, problem, backoff.DENIED)
        self._log.warning("trouble", **told)
        wait = error.retry_after if isinstance(error, Temporary) else None
        return trouble(self._claim, problem, backoff.TROUBLE, wait)


def _name(action: Action) -> str:
    match action:
        case actions.Call(verb=verb):
            return f"call {verb}"
        case actions.Move(target=target):
            return f"move to {target}"
    return _words(type(action).__name__)


@functools.cache
def _words(name: str) -> str:
    return re.sub("(?<=[a-z])(?=[A-Z])", " ", name).lower()
