"""Which threads work: one for short requests, others when that one is held up."""

import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from cloudhands.web import dispatching
from cloudhands.web.dispatching import StandBy

THREADS = 4
LIMIT = 10
"""Seconds."""


class Request:
    """What waitress hands to a thread."""

    def __init__(self, work: Callable[[], object] = lambda: None) -> None:
        self._work = work
        self.thread = ""
        self.done = threading.Event()

    def service(self) -> None:
        """Called by the thread."""
        self.thread = threading.current_thread().name
        try:
            self._work()
        finally:
            self.done.set()

    def cancel(self) -> None:
        """Called at the end for what nobody took."""


@pytest.fixture
def dispatcher() -> Iterator[StandBy]:
    made = StandBy()
    made.set_thread_count(THREADS)
    yield made
    made.shutdown(timeout=LIMIT)
    assert not made.threads


def _answered(*requests: Request) -> bool:
    return all(one.done.wait(LIMIT) for one in requests)


def _threads_of_a_burst(dispatcher: StandBy) -> set[str]:
    """Who answers fifty short requests that are there before the first is answered."""
    all_there = threading.Event()
    burst = [Request(lambda: all_there.wait(LIMIT)), *(Request() for _ in range(49))]
    for one in burst:
        dispatcher.add_task(one)
    all_there.set()
    assert _answered(*burst)
    return {one.thread for one in burst}


def test_short_requests_are_all_answered_by_one_thread(dispatcher, monkeypatch):
    monkeypatch.setattr(dispatching, "PATIENCE", LIMIT)
    for _ in range(20):
        assert len(_threads_of_a_burst(dispatcher)) == 1


def test_another_steps_in_for_one_that_is_held_up(dispatcher):
    freed = threading.Event()
    held = Request(lambda: freed.wait(LIMIT))
    dispatcher.add_task(held)
    others = [Request() for _ in range(5)]
    for one in others:
        dispatcher.add_task(one)
    assert _answered(*others)
    assert not held.done.is_set()
    freed.set()
    assert _answered(held)


def test_it_steps_in_for_requests_that_came_before(dispatcher):
    freed = threading.Event()
    came = threading.Event()
    held = Request(lambda: (came.wait(LIMIT), freed.wait(LIMIT)))
    other = Request()
    dispatcher.add_task(held)
    dispatcher.add_task(other)
    came.set()  # nothing arrives any more that would wake anybody
    assert _answered(other)
    freed.set()
    assert _answered(held)


def test_as_many_may_be_held_up_as_there_are_threads_but_one(dispatcher):
    freed = threading.Event()
    held = [Request(lambda: freed.wait(LIMIT)) for _ in range(THREADS - 1)]
    last = Request()
    for one in (*held, last):
        dispatcher.add_task(one)
    assert _answered(last)
    assert not any(one.done.is_set() for one in held)
    freed.set()
    assert _answered(*held)


@pytest.mark.parametrize("together", [True, False])
def test_whoever_stepped_in_goes_on_without_a_pause(dispatcher, together):
    freed = threading.Event()
    held = [Request(lambda: freed.wait(LIMIT)) for _ in range(2)]
    first = Request()
    for one in (*held, first):
        dispatcher.add_task(one)
    assert _answered(first)
    begin = time.monotonic()
    others = [Request() for _ in range(200)]
    for one in others:
        dispatcher.add_task(one)
        assert together or _answered(one)
    assert _answered(*others)
    # A pause before each would take 4 s. Not a measure of speed: the machine may be busy.
    assert time.monotonic() - begin < 200 * dispatching.PATIENCE / 2
    assert not any(one.done.is_set() for one in held)
    freed.set()
    assert _answered(*held)


def test_afterwards_one_works_alone_again(dispatcher, monkeypatch):
    held = [Request(lambda: time.sleep(3 * dispatching.PATIENCE)) for _ in range(THREADS)]
    for one in held:
        dispatcher.add_task(one)
    assert _answered(*held)
    assert len({one.thread for one in held}) > 1
    monkeypatch.setattr(dispatching, "PATIENCE", LIMIT)
    assert len(_threads_of_a_burst(dispatcher)) == 1


def test_every_request_is_answered_once_however_they_come(dispatcher):
    counts: list[int] = []

    def some(first: int) -> None:
        for number in range(first, first + 300):
            pause = 0.03 if number % 100 == 0 else 0
            one = Request(lambda n=number, pause=pause: (time.sleep(pause), counts.append(n)))
            dispatcher.add_task(one)
            if number % 7 == 0:
                assert _answered(one)

    senders = [threading.Thread(target=some, args=(first,)) for first in (0, 300, 600)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(LIMIT)
    end = time.monotonic() + LIMIT
    while len(counts) < 900 and time.monotonic() < end:
        time.sleep(0.01)
    assert sorted(counts) == list(range(900))


def test_a_thread_survives_what_goes_wrong_and_logs_it(dispatcher, caplog):
    def fails() -> None:
        raise RuntimeError("on purpose")

    with caplog.at_level(logging.ERROR, logger="waitress"):
        broken, good = Request(fails), Request()
        dispatcher.add_task(broken)
        dispatcher.add_task(good)
        assert _answered(broken, good)
    assert "on purpose" in caplog.text
    assert len(dispatcher.threads) == THREADS
