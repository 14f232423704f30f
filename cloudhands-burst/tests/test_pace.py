"""How fast one provider is called, under clocks that tests hold."""

import threading
from dataclasses import dataclass, field

import pytest

from cloudhands.burst import pace
from cloudhands.burst.pace import Busy, Pace


@dataclass
class Time:
    """Seconds that go on when somebody sleeps."""

    at: float = 100.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


def begun(made: Pace, time: Time, calls: int) -> list[float]:
    """When each of so many calls, one after the other, began."""
    moments = []
    for _ in range(calls):
        with made.turn():
            moments.append(time.at)
    return moments


def test_calls_begin_at_the_rate() -> None:
    time = Time()
    made = Pace(4, 10, monotonic=time.monotonic, sleep=time.sleep)
    moments = begun(made, time, 50)
    assert moments[-1] - moments[0] == pytest.approx((50 - 1) / 10 - pace.BURST_SECONDS)
    # In no second do more begin than the rate and what a pause allows.
    assert max(sum(a <= b < a + 1 for b in moments) for a in moments) <= 10 + 1 + 2


def test_who_need_not_wait_does_not_sleep() -> None:
    time = Time()
    begun(Pace(4, 50, monotonic=time.monotonic, sleep=time.sleep), time, 5)
    assert time.slept == []


def test_after_a_pause_only_a_few_begin_at_once() -> None:
    time = Time()
    made = Pace(4, 50, monotonic=time.monotonic, sleep=time.sleep)
    begun(made, time, 5)
    time.at += 3600
    moments = begun(made, time, 50)
    assert sum(moment == moments[0] for moment in moments) <= 50 * pace.BURST_SECONDS + 1


def test_a_long_wait_is_refused_with_when_to_come_back() -> None:
    time = Time()
    made = Pace(4, 0.1, longest=2, monotonic=time.monotonic, sleep=time.sleep)
    begun(made, time, 1)
    with pytest.raises(Busy) as refused, made.turn():
        pytest.fail("it may not begin yet")
    assert refused.value.retry_after == pytest.approx(10 - pace.BURST_SECONDS)
    assert sum(time.slept) == 0
    time.at += 10
    assert begun(made, time, 1) == [110.0], "what was refused took no token"


def test_no_more_are_under_way_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "SLOT_SECONDS", 0.01)
    made = Pace(2, 1000)
    with made.turn():
        assert not made.crowded
        with made.turn():
            assert made.crowded
            with pytest.raises(Busy), made.turn():
                pytest.fail("there is no room")
        with made.turn():
            pass
    assert not made.crowded


def test_one_that_waits_begins_when_another_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "SLOT_SECONDS", 10)
    made, waiting, done = Pace(1, 1000), threading.Event(), threading.Event()

    def other() -> None:
        waiting.set()
        with made.turn():
            done.set()

    thread = threading.Thread(target=other)
    with made.turn():
        thread.start()
        assert waiting.wait(5)
        assert not done.wait(0.05)
    assert done.wait(5)
    thread.join(5)


def test_a_call_that_fails_gives_its_place_back() -> None:
    made = Pace(1, 1000)
    for _ in range(3):
        with pytest.raises(RuntimeError), made.turn():
            raise RuntimeError("it failed")
    assert not made.crowded
