"""Worker processes that a test leads by the hand: each claims, acts and records when it is told to.

So that what several processes do to the same rows has an order that the test chose, also across
SIGKILL and SIGSTOP. `python -m cloudhands.common.testing.workers` is such a process: it takes one
order a line, as JSON, and answers each with a line. To act on an artifact is to append its id to
a file, so that acts are counted where no transaction can undo them.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cloudhands.common import history, watching, work
from cloudhands.common.actor.commands import component
from cloudhands.common.actor.queries import BURST
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.clock import Clock, DatabaseClock, now
from cloudhands.common.db import Database
from cloudhands.common.errors import ClaimLost
from cloudhands.common.testing.databases import short_lived
from cloudhands.common.work import Claim

DONE, LOST = "done", "lost"
WAIT_SECONDS = 0.02


class Worker:
    """A worker process, seen from the test."""

    def __init__(self) -> None:
        argv = [sys.executable, "-m", __name__]
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def open(self, url: str, acts: Path, *, ahead: float = 0, own_clock: bool = False) -> None:
        """Have it work on a database from now on; what it held is forgotten.

        :param acts: the file that its acts are appended to.
        :param ahead: seconds by which the clock of its host is ahead.
        :param own_clock: whether it believes that clock, instead of the database's.
        """
        self.ask("open", url=url, acts=str(acts), ahead=ahead, own_clock=own_clock)

    def claim(self, limit: int, seconds: float) -> list[int]:
        """Have it claim; returns the ids, which it then holds."""
        taken: list[int] = self.ask("claim", limit=limit, seconds=seconds)
        return taken

    def ask(self, order: str, **arguments: Any) -> Any:
        """Give an order and wait for its answer."""
        self.tell(order, **arguments)
        return self.answer()

    def tell(self, order: str, **arguments: Any) -> None:
        """Give an order; it may be stopped and find it later."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([order, arguments]) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        """Wait for the next answer."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"worker {self.pid} has ended; its standard error says why"
        return json.loads(line)

    def stop(self) -> None:
        """Freeze it where it is, and wait until it is frozen."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self.pid, os.WUNTRACED)

    def go_on(self) -> None:
        """Let it go on after `stop`."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, and wait until it has ended."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def workers(count: int) -> Iterator[Sequence[Worker]]:
    """So many worker processes, for as long as the block runs."""
    started: list[Worker] = []
    try:
        for _ in range(count):
            started.append(Worker())
        yield started
    finally:
        for each in started:
            each.kill()


class _Hand:
    """What the worker process does with one database."""

    def __init__(self, database: Database, acts: Path, ahead: float, own_clock: bool) -> None:
        self._database = database
        self._acts = acts

        def host() -> datetime:
            return now() + timedelta(seconds=ahead)

        self._clock: Clock = host if own_clock else DatabaseClock(database, host)
        self._held: dict[int, Claim] = {}
        with database.writing() as session:
            component(session, BURST, self._clock())  # as cloud-burst does before it works

    def claim(self, limit: int, seconds: float) -> list[int]:
        with self._database.writing() as session:
            taken = work.claim(session, Appliance, self._clock(), seconds, limit)
        self._held.update((each.id, each) for each in taken)
        return [each.id for each in taken]

    def act(self, id: int) -> None:
        with self._acts.open("a", encoding="utf-8") as file:
            file.write(f"{id}\n")

    def record(self, id: int) -> str:
        """Record it as taken care of, and put it to rest."""
        taken = self._held.pop(id)
        try:
            with self._database.writing() as session:
                at = self._clock()
                appliance = work.held(session, taken)
                actor = component(session, BURST, at)
                history.record(session, appliance, actor, f"by {os.getpid()}", at)
                work.release(appliance, taken, None, at)
        except ClaimLost:
            return LOST
        return DONE

    def renew(self, id: int, seconds: float) -> None:
        with self._database.writing() as session:
            work.renew(work.held(session, self._held[id]), self._clock(), seconds)

    def wake(self, id: int) -> None:
        with self._database.writing() as session:
            work.wake(session, session.get_one(Appliance, id), self._clock())

    def work(self, limit: int, seconds: float) -> list[int]:
        """Claim, act and record until nothing is left to be done, also by others."""
        done = []
        while self._is_due():
            taken = self.claim(limit, seconds)
            for id in taken:
                self.act(id)
                if self.record(id) == DONE:
                    done.append(id)
            if not taken:
                time.sleep(WAIT_SECONDS)  # others hold the rest
        return done

    def listen(self, seconds: float) -> bool:
        """Answer that it listens, then whether it heard something before the time was over."""
        slept: list[float] = []

        def sleep(pause: float) -> bool:
            slept.append(pause)
            return threading.Event().wait(pause)

        with watching.watching(self._database, sleep) as watcher:
            _answer("listening")
            watcher.wait(seconds)
        return len(slept) < int(seconds / watching.POLL_SECONDS)

    def _is_due(self) -> bool:
        with self._database.reading() as session:
            return work.next_due(session, Appliance) is not None


def _answer(result: Any) -> None:
    print(json.dumps(result), flush=True)


@contextmanager
def _opened(url: str, acts: str, ahead: float, own_clock: bool) -> Iterator[_Hand]:
    with short_lived(url) as database:
        yield _Hand(database, Path(acts), ahead, own_clock)


def main() -> None:
    """Follow orders until there are no more."""
    with ExitStack() as closing:
        hand: Any = None
        for line in sys.stdin:
            order, arguments = json.loads(line)
            if order == "open":
                closing.close()
                hand = closing.enter_context(_opened(**arguments))
                _answer(None)
            else:
                _answer(getattr(hand, order)(**arguments))


if __name__ == "__main__":
    main()
