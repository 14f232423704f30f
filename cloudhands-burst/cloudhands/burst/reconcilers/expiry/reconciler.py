"""Does what the end of an appliance's time asks for: each look is one transaction.

Killed anywhere, all of it has happened or nothing: nobody is told twice. Nothing here speaks to
a cloud or to a mail server; goals and the outbox are for others to act on.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from cloudhands.burst import backoff
from cloudhands.burst.context import Context
from cloudhands.burst.outcome import Again, Done, Outcome
from cloudhands.burst.reconcilers.expiry.decide import (
    Action,
    Delete,
    Expire,
    Rest,
    Stop,
    Tell,
    Void,
    decide,
    deletion_moment,
    view,
)
from cloudhands.burst.reconcilers.expiry.notices import tell
from cloudhands.common import work
from cloudhands.common.actor.commands import component
from cloudhands.common.actor.queries import BURST
from cloudhands.common.expiry import commands
from cloudhands.common.expiry.queries import by_id, locked
from cloudhands.common.expiry.tables import Expiry
from cloudhands.common.work import Claim

log = structlog.get_logger("cloudhands.burst.expiry")


class ExpiryReconciler:
    """See `cloudhands.burst.reconcilers.Reconciler`."""

    model = Expiry

    def __init__(self, context: Context) -> None:
        self._context = context
        self._grace = timedelta(days=context.settings.appliances.grace_days)

    def reconcile(self, claim: Claim) -> Outcome:
        """See `Reconciler`."""
        now = self._context.clock()
        with self._context.database.reading() as session:
            expected = decide(view(by_id(session, claim.id)), self._grace, now)
        telling = isinstance(expected, Tell)
        with self._context.database.writing() as session:
            expiries = locked(session, claim.id, with_others=telling)
            mine: Expiry = work.held(session, claim)
            while not isinstance(action := decide(view(mine), self._grace, now), Rest):
                if isinstance(action, Tell) and not telling:
                    action = Rest(now)  # with the owner's others, at the next look
                    break
                self._do(session, action, mine, expiries, now)
            mine.attempt = 0
            work.release(mine, claim, action.until, now)
        return _outcome(action, now)

    def stumbled(self, claim: Claim) -> Outcome:
        """See `Reconciler`."""
        with self._context.database.writing() as session:
            expiry: Expiry = work.held(session, claim)
            expiry.attempt += 1
            after = backoff.TROUBLE.after(expiry.attempt)
            now = self._context.clock()
            work.release(expiry, claim, now + timedelta(seconds=after), now)
        return Again(after)

    def _do(
        self,
        session: Session,
        action: Action,
        mine: Expiry,
        expiries: Sequence[Expiry],
        now: datetime,
    ) -> None:
        appliance, actor = mine.appliance, component(session, BURST, now)
        about = log.bind(appliance=str(appliance.uuid), attempt=mine.attempt)
        match action:
            case Tell(notice):
                told = tell(session, notice, mine, expiries, self._grace, now)
                about.info("tell", notice=notice, appliances=told)
            case Expire():
                deleted_at = deletion_moment(view(mine), self._grace, now)
                commands.expire(session, actor, appliance, deleted_at, now)
                about.info("expire")
            case Stop():
                commands.stop_expired(session, actor, appliance, now)
                about.info("stop")
            case Delete():
                commands.delete_expired(session, actor, appliance, now)
                about.info("delete")
            case Void():
                self._void(session, mine, now)
                about.warning("a clock was ahead")

    def _void(self, session: Session, mine: Expiry, now: datetime) -> None:
        mine.forget()
        if mine.appliance.expired_at is not None:
            actor = component(session, BURST, now)
            commands.unexpire(session, actor, mine.appliance, now)


def _outcome(action: Rest, now: datetime) -> Outcome:
    if action.until is None:
        return Done()
    return Again(max((action.until - now).total_seconds(), 0))


def reconciler(context: Context) -> ExpiryReconciler:
    """The reconciler of the ends of appliances' times."""
    return ExpiryReconciler(context)
