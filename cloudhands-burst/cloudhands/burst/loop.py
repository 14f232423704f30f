"""The loop of cloud-burst: claims what is due, has it taken care of, sleeps until something is.

Several artifacts are in hand at once, a thread for each; no more are claimed than threads are
free, so that another worker can take the rest. What ends at about the same time is claimed for in
one transaction; where there was more to take than could be, no look is taken first. Trouble with
one artifact, or with the database for a while, never ends the loop.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from functools import partial
from threading import Event
from typing import Any, NamedTuple

import structlog
from sqlalchemy import BindParameter, Connection, bindparam, or_, select

from cloudhands.burst.backoff import Backoff
from cloudhands.burst.calls import crowded
from cloudhands.burst.context import Context
from cloudhands.burst.outcome import Outcome
from cloudhands.burst.reconcilers import Foresighted, Reconciler
from cloudhands.common import observing, set_back, work
from cloudhands.common.db import UNREACHABLE
from cloudhands.common.errors import ClaimLost
from cloudhands.common.provider.tables import Provider
from cloudhands.common.watching import Watcher, watching
from cloudhands.common.work import Claim, Due, Takable

log = structlog.get_logger("cloudhands.burst.loop")

# Whatever is missed, the rows are looked at this often.
IDLE_SECONDS = 5.0
# What was due was taken by another worker a moment ago.
MISSED_SECONDS = 0.05
# While all threads are busy the end of one is heard of at once, and a signal to stop so soon.
BUSY_SECONDS = 0.25
# While something is in hand, so long passes between two looks: what ends meanwhile is claimed for
# in one go.
GATHER_SECONDS = 0.005
# While more of what was due is taken, what else has become due is looked for this often.
MORE_SECONDS = 0.05
# A clock that is set back by less than that is waited for.
SET_BACK_SECONDS = 60.0
DATABASE_AWAY = Backoff(first=0.5, cap=10)


class _Look(NamedTuple):
    """What came of looking for what is due.

    :param due: whether something was, which was taken, or another worker was quicker.
    :param pause: seconds until there may be more to claim, if nothing happens before.
    """

    due: bool
    pause: float


class _Taken(NamedTuple):
    """An artifact that was claimed, and what takes care of it."""

    reconciler: Reconciler
    claim: Claim
    reconcile: Callable[[], Outcome]


class Loop:
    """Takes care of what is due.

    :param reconcilers: one for each kind of artifact.
    :param stopping: set from outside to end `run`.
    :param monotonic: seconds that only rise.
    """

    def __init__(
        self,
        context: Context,
        reconcilers: Sequence[Reconciler],
        stopping: Event,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context = context
        self._reconcilers = reconcilers
        self._stopping = stopping
        # Made once: only so are their statements.
        self._queues = tuple((each.model, self._takable(each.model)) for each in reconcilers)
        self._turn = 0
        self._threads = context.settings.burst.concurrency
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="burst")
        self._in_hand: set[Future[None]] = set()
        self._bell = Event()
        self._failures = 0
        self._observing = False
        self._monotonic = monotonic
        self._told: tuple[datetime, float] | None = None
        self._more: Mapping[type[Due], datetime] = {}
        self._looked = 0.0

    def run(self) -> None:
        """Go on until `stopping` is set; what is in hand then is left to `drain`."""
        while not self._stopping.is_set():
            try:
                with watching(self._context.database, self._sleep) as watcher:
                    self._watch(watcher)
            except UNREACHABLE as error:
                self._failures += 1
                after = DATABASE_AWAY.after(self._failures)
                log.warning("database away", error=str(error), again_in=round(after, 2))
                self._stopping.wait(after)

    def once(self) -> None:
        """Do all that is due now, also what becomes due by doing it, and return."""
        while True:
            busy = bool(self._in_hand)
            look = self._take_due()
            if self._in_hand:
                wait(self._in_hand.copy(), timeout=IDLE_SECONDS, return_when=FIRST_COMPLETED)
                self._gather()
            elif not look.due and not busy:  # what has ended since may be due again
                return

    @property
    def in_hand(self) -> int:
        """How many artifacts are in hand now."""
        return len(self._in_hand)

    def drain(self, seconds: float) -> bool:
        """Wait for what is in hand.

        :returns: whether it has ended in time.
        """
        self._pool.shutdown(wait=False)
        return not wait(self._in_hand.copy(), timeout=seconds).not_done

    def _watch(self, watcher: Watcher) -> None:
        while not self._stopping.is_set():
            self._bell.clear()
            look = self._take_due()
            self._failures = 0
            if self.in_hand == self._threads:
                self._sleep(BUSY_SECONDS)  # whatever is due, nobody could take it
            elif look.pause:
                watcher.wait(look.pause)
            self._gather()

    def _gather(self) -> None:
        """Let others end as well, so that one claim is made for all; who is idle does not wait."""
        if self._in_hand:
            self._stopping.wait(GATHER_SECONDS)

    def _sleep(self, seconds: float) -> bool:
        return self._stopping.is_set() or self._bell.wait(seconds)

    def _take_due(self) -> _Look:
        """Claim as much of what is due as there are free threads."""
        free = self._threads - len(self._in_hand)
        if not free:
            return _Look(due=False, pause=IDLE_SECONDS)
        known = self._known()
        due = known or self._due()
        if not due:
            return _Look(due=False, pause=IDLE_SECONDS)
        now = self._context.clock()
        if (seconds := self._set_back_by(now)) > SET_BACK_SECONDS:
            self._look_again(now, seconds)
            return _Look(due=True, pause=0)
        away = (min(due.values()) - now).total_seconds()
        if away > 0:
            return _Look(due=False, pause=0 if known else min(away, IDLE_SECONDS))
        ripe = {kind: moment for kind, moment in due.items() if moment <= now}
        taken = self._take(ripe, free, now)
        if taken == free:
            self._more = ripe
        return _Look(due=True, pause=0 if taken or known else MISSED_SECONDS)

    def _known(self) -> Mapping[type[Due], datetime]:
        """What was due at the last look, if the last claim left some of it, and it is not long ago.

        More is likely due then: it is claimed at once. Nothing else waits for its turn for longer.
        """
        more, self._more = self._more, {}
        return more if self._monotonic() - self._looked < MORE_SECONDS else {}

    def _set_back_by(self, now: datetime) -> float:
        """By how many seconds the clock was set back since we were here last."""
        before, self._told = self._told, (now, self._monotonic())
        if before is None:
            return 0
        return self._told[1] - before[1] - (now - before[0]).total_seconds()

    def _look_again(self, now: datetime, seconds: float) -> None:
        log.warning("the clock was set back", seconds=round(seconds))
        with self._context.database.writing() as session:
            set_back.remember_nothing_to_come(session, now)
        for reconciler in self._reconcilers:
            with self._context.database.writing() as session:
                claim = self._context.settings.burst.claim
                set_back.look_again(session, reconciler.model, now, claim)

    def _due(self) -> Mapping[type[Due], datetime]:
        """When something of each kind may have to be taken; without those that wait for a wish."""
        self._looked = self._monotonic()
        with self._context.database.looking() as connection:
            if self._only_observes(connection):
                return {}
            found = work.next_of_each(connection, self._queues)
        kinds = (kind for kind, _ in self._queues)
        return {kind: at for kind, at in zip(kinds, found, strict=True) if at is not None}

    def _takable(self, model: type[Due]) -> Takable:
        """What holds of what may be taken now: of a slow provider no more than is in hand.

        What is taken of one that is called as much as may be would only keep a thread waiting.
        """
        column = getattr(model, "provider_id", None)
        if column is None:
            return ()
        names: BindParameter[Any] = bindparam(
            "crowded", expanding=True, callable_=lambda: crowded(self._context.clouds)
        )
        there = select(Provider.id).where(Provider.name.in_(names))
        return (or_(column.is_(None), column.not_in(there)),)

    def _only_observes(self, connection: Connection) -> bool:
        before, self._observing = self._observing, observing.is_on(connection)
        if self._observing and not before:
            log.warning("only observing", until="cloud-admin burst resume")
        if before and not self._observing:
            log.info("working again")
        return self._observing

    def _take(self, kinds: Collection[type[Due]], free: int, now: datetime) -> int:
        """Claim and begin as much as there are free threads.

        :param kinds: of which something is due.
        :returns: how much.
        """
        self._turn += 1
        first = self._turn % len(self._reconcilers)
        # Each kind is the first in turn: much of one does not keep the others waiting.
        turns = (*self._reconcilers[first:], *self._reconcilers[:first])
        taken = self._claim([each for each in turns if each.model in kinds], free, now)
        for each in taken:
            self._start(each)
        return len(taken)

    def _claim(
        self, reconcilers: Iterable[Reconciler], free: int, now: datetime
    ) -> Sequence[_Taken]:
        """Claim up to `free` artifacts in one transaction."""
        seconds, takable = self._context.settings.burst.claim, dict(self._queues)
        taken: list[_Taken] = []
        with self._context.database.writing() as session:
            connection = session.connection()
            if self._only_observes(connection):
                return []  # since we looked for what is due
            for each in reconcilers:
                if len(taken) < free:
                    limit, where = free - len(taken), takable[each.model]
                    claims = work.claim(connection, each.model, now, seconds, limit, *where)
                    taken += _taken(each, claims, connection)
        return taken

    def _start(self, taken: _Taken) -> None:
        future = self._pool.submit(self._care, taken)
        self._in_hand.add(future)
        future.add_done_callback(self._ended)

    def _ended(self, future: Future[None]) -> None:
        self._in_hand.discard(future)
        self._bell.set()

    def _care(self, taken: _Taken) -> None:
        claim = taken.claim
        try:
            taken.reconcile()
        except ClaimLost as error:
            log.info("claim lost", reason=str(error))
        except UNREACHABLE as error:
            # Nothing can be recorded; the claim runs out and the next look goes on from the rows.
            log.warning("database away", error=str(error), artifact=claim.id)
        except Exception:
            log.exception("stumbled", kind=claim.model.kind, artifact=claim.id)
            self._stumbled(taken)

    def _stumbled(self, taken: _Taken) -> None:
        claim = taken.claim
        try:
            taken.reconciler.stumbled(claim)
        except Exception:
            log.exception("not recorded", kind=claim.model.kind, artifact=claim.id)


def _taken(
    reconciler: Reconciler, claims: Sequence[Claim], connection: Connection
) -> Iterable[_Taken]:
    if claims and isinstance(reconciler, Foresighted):
        cares = reconciler.reconciling(connection, claims)
    else:
        cares = [partial(reconciler.reconcile, claim) for claim in claims]
    return (_Taken(reconciler, *each) for each in zip(claims, cares, strict=True))
