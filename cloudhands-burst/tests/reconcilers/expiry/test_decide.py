from dataclasses import replace
from datetime import timedelta

import pytest

from cloudhands.burst.reconcilers.expiry.decide import (
    LOOK_AGAIN,
    Delete,
    Expire,
    Rest,
    Stop,
    Tell,
    View,
    Void,
    decide,
)
from cloudhands.common.testing.factories import NOON

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
GRACE = 7 * DAY
END = NOON + 30 * DAY
NEW = View(END, None, "running", "running", NOON, None, None, None, None)
WEEK_TOLD = replace(NEW, reminded_days=7, reminded_at=END - 7 * DAY)
DAY_TOLD = replace(NEW, reminded_days=1, reminded_at=END - DAY)
ANNOUNCED = replace(DAY_TOLD, announced_at=END)
EXPIRED = replace(ANNOUNCED, expired_at=END, goal="stopped", state="stopped")
WARNED = replace(EXPIRED, warned_at=END + 6 * DAY)


@pytest.mark.parametrize(
    ("view", "now", "action"),
    [
        # The way that is meant.
        (NEW, NOON, Rest(END - 7 * DAY)),
        (NEW, END - 7 * DAY, Tell("week")),
        (WEEK_TOLD, END - 7 * DAY, Rest(END - DAY)),
        (WEEK_TOLD, END - DAY, Tell("day")),
        (DAY_TOLD, END - DAY, Rest(END)),
        (DAY_TOLD, END, Tell("expired")),
        (ANNOUNCED, END, Expire()),
        (ANNOUNCED, END - HOUR, Rest(END)),
        (replace(EXPIRED, goal="running", state="running"), END, Stop()),
        (EXPIRED, END, Rest(END + 6 * DAY)),
        (EXPIRED, END + 6 * DAY, Tell("deletion")),
        (WARNED, END + 6 * DAY, Rest(END + 7 * DAY)),
        (WARNED, END + 7 * DAY, Delete()),
        # Nothing is left to do.
        (replace(WARNED, goal="deleted"), END + 9 * DAY, Rest()),
        (replace(WARNED, state="deleted"), END + 9 * DAY, Rest()),
        (replace(NEW, expires_at=None), END, Rest()),
        # A short time needs no reminder a week before.
        (replace(NEW, set_at=END - 6 * DAY), END - 6 * DAY, Rest(END - DAY)),
        (replace(NEW, set_at=END - DAY), END - DAY, Tell("day")),
        # What was missed: the latest that applies, and a day to react.
        (NEW, END - 3 * DAY, Tell("week")),
        (NEW, END - HOUR, Tell("day")),
        (NEW, END + 365 * DAY, Tell("day")),
        (WEEK_TOLD, END + 365 * DAY, Tell("day")),
        (replace(DAY_TOLD, reminded_at=END + HOUR), END + 2 * HOUR, Rest(END + HOUR + DAY)),
        (EXPIRED, END + 365 * DAY, Tell("deletion")),
        (
            replace(EXPIRED, warned_at=END + 20 * DAY),
            END + 20 * DAY + HOUR,
            Rest(END + 21 * DAY),
        ),
        # A clock that was ahead is back.
        (replace(NEW, reminded_days=1, reminded_at=END), NOON, Void()),
        (EXPIRED, END - 2 * HOUR, Void()),
        (replace(WARNED, warned_at=END + 400 * DAY), END + 8 * DAY, Void()),
        (replace(DAY_TOLD, reminded_at=NOON + HOUR / 2), NOON, Rest(END)),
        # It cannot be stopped yet, or does not run at all.
        (replace(EXPIRED, goal="running", state="provisioning"), END, Rest(END + LOOK_AGAIN)),
        (replace(EXPIRED, goal="running", state="requested"), END, Rest(END + LOOK_AGAIN)),
        (replace(EXPIRED, goal="running", state="failed"), END, Rest(END + 6 * DAY)),
    ],
)
def test_the_one_thing_to_do_next(view, now, action):
    assert decide(view, GRACE, now) == action


def test_a_grace_of_a_day_needs_no_second_warning():
    assert decide(EXPIRED, DAY, END + HOUR) == Rest(END + DAY)
    assert decide(EXPIRED, DAY, END + DAY) == Delete()


@pytest.mark.parametrize("grace", [DAY, 2 * DAY, GRACE])
def test_wherever_the_clock_jumps_two_days_lie_before_a_deletion(grace):
    """Each look is a year after the one before, but for the moments that it asks for."""
    now, view, said = END, NEW, []
    while not isinstance(action := decide(view, grace, now), Delete):
        match action:
            case Rest(until):
                said.append(until - now)
                now = until
            case Tell("week" | "day" as notice):
                days = 7 if notice == "week" else 1
                view = replace(view, reminded_days=days, reminded_at=now)
            case Tell("expired"):
                view = replace(view, announced_at=now)
            case Expire():
                view = replace(view, expired_at=now, goal="stopped", state="stopped")
                now += 365 * DAY
            case Tell("deletion"):
                view = replace(view, warned_at=now)
    assert sum(said, timedelta()) >= (DAY if grace == DAY else 2 * DAY)
    assert len(said) >= 1
