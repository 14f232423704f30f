"""Takes a mail from the outbox, sends it, and writes down what came of it.

It is sent at least once: a process that is killed between the server's answer and our record
sends it again, with the same Message-ID.
"""

import time
from datetime import datetime, timedelta

import structlog

from cloudhands.burst.backoff import Backoff
from cloudhands.burst.context import Context
from cloudhands.burst.mail.gate import Gate
from cloudhands.burst.mail.links import with_links
from cloudhands.burst.mail.sending import Delayed, Returned, send
from cloudhands.burst.mail.writing import CannotWrite, Letter, Sender, write
from cloudhands.burst.outcome import Again, Done, Failed, Outcome
from cloudhands.common import site, work
from cloudhands.common.mail import commands
from cloudhands.common.mail.queries import waiting
from cloudhands.common.mail.tables import Message
from cloudhands.common.work import Claim

log = structlog.get_logger("cloudhands.burst.mail")

DELAYED = Backoff(first=10, cap=900)
# From the greeting to the farewell there are at most so many answers to wait for.
ANSWERS = 12
UNEXPECTED = "Something unexpected went wrong here. The operators can see it in the log."


class MailReconciler:
    """See `cloudhands.burst.reconcilers.Reconciler`."""

    model = Message

    def __init__(self, context: Context, sender: Sender) -> None:
        self._context = context
        self._sender = sender
        self._mail = context.settings.mail
        # What a claim has to last for, since no mail shall be sent by two at once.
        self._longest = self._mail.timeout * ANSWERS
        self._gate = Gate(self._longest)

    def reconcile(self, claim: Claim) -> Outcome:
        """See `Reconciler`."""
        started, now = time.monotonic(), self._context.clock()
        try:
            letter = self._take(claim, now)
            message = write(letter, self._sender, now)
        except CannotWrite as error:
            return self._given_up(claim, str(error))
        if held_up := self._gate.closed(now):
            return self._delayed(claim, *held_up)
        try:
            send(self._mail, self._context.settings.state, message)
        except Returned as error:
            self._gate.worked()
            return self._given_up(claim, str(error))
        except Delayed as error:
            if error.for_all:
                self._gate.failed(str(error), self._context.clock())
            return self._delayed(claim, str(error))
        self._gate.worked()
        with self._context.database.writing() as session:
            commands.sent(session, claim, self._context.clock())
        seconds = round(time.monotonic() - started, 4)
        log.info("sent", mail=str(letter.uuid), template=letter.template, seconds=seconds)
        return Done()

    def stumbled(self, claim: Claim) -> Outcome:
        """See `Reconciler`."""
        return self._delayed(claim, UNEXPECTED)

    def _take(self, claim: Claim, now: datetime) -> Letter:
        """Read what is to be sent, and hold it for as long as that may take."""
        with self._context.database.writing() as session:
            row: Message = work.held(session, claim)
            seconds = max(self._longest, self._context.settings.burst.claim)
            work.renew(row, now, seconds)
            values = with_links(session, row.template, row.values, self._sender.portal, now)
            return Letter(row.uuid, row.to, row.template, values)

    def _delayed(self, claim: Claim, problem: str, at_least: float = 0) -> Again:
        with self._context.database.writing() as session:
            row: Message = work.held(session, claim)
            after = max(DELAYED.after(row.attempt + 1), at_least)
            now = self._context.clock()
            commands.not_sent(session, claim, problem, now + timedelta(seconds=after), now)
            told = {"mail": str(row.uuid), "template": row.template, "attempt": row.attempt}
        log.warning("not sent yet", **told, problem=problem, again_in=round(after, 1))
        return Again(after, problem)

    def _given_up(self, claim: Claim, problem: str) -> Failed:
        with self._context.database.writing() as session:
            row: Message = work.held(session, claim)
            commands.not_sent(session, claim, problem, None, self._context.clock())
            told = {"mail": str(row.uuid), "template": row.template, "attempt": row.attempt}
        log.error("given up", **told, problem=problem)
        return Failed(problem)


def reconciler(context: Context) -> MailReconciler | None:
    """The reconciler of mail; None while no mail server is set: mail waits, and costs nothing."""
    mail, here = context.settings.mail, site.installed()
    if not mail.server or mail.sender is None:
        with context.database.reading() as session:
            number = waiting(session).number
        log.info("mail is off", waiting=number, remedy="set mail.server and mail.sender")
        return None
    portal = context.settings.portal.address
    return MailReconciler(context, Sender(mail.sender, here.title, here.support, portal))
