"""Says what the end of an appliance's time asks for now: pure, from a view to one action.

It is level-triggered: of what was missed while nobody looked, the latest that applies is done. No
step is taken by the clock alone. An appliance is stopped a day after its owner was reminded at the
earliest, and deleted a day after they were told of it: by moments that we wrote down ourselves, so
that a clock that jumps ahead, be it by years, leaves time to notice.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from cloudhands.common.appliance.states import GOALS
from cloudhands.common.expiry.tables import Expiry

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
# Clocks differ by less; a moment further ahead was written by a clock that was wrong.
SLACK = timedelta(hours=1)
# What is still being built is stopped when it has been.
LOOK_AGAIN = timedelta(minutes=5)

Notice = Literal["week", "day", "expired", "deletion"]


@dataclass(frozen=True)
class View:
    """What is written down of one appliance and its expiry; see the two tables.

    :param ended: whether it is deleted, or to be.
    """

    expires_at: datetime | None
    expired_at: datetime | None
    goal: str
    state: str
    set_at: datetime
    reminded_days: int | None
    reminded_at: datetime | None
    announced_at: datetime | None
    warned_at: datetime | None

    @property
    def ended(self) -> bool:
        """Whether nothing is left to be done about it."""
        return "deleted" in (self.goal, self.state) or self.expires_at is None

    @property
    def moments(self) -> tuple[datetime | None, ...]:
        """When things were done, by the clock of the time."""
        return (self.expired_at, self.reminded_at, self.announced_at, self.warned_at)


@dataclass(frozen=True)
class Rest:
    """Nothing is to be done before that moment, or ever."""

    until: datetime | None = None


@dataclass(frozen=True)
class Tell:
    """Mail the owner, once for all of theirs that it holds for."""

    notice: Notice


@dataclass(frozen=True)
class Expire:
    """Write down that its time is over, and stop it."""


@dataclass(frozen=True)
class Stop:
    """Stop what could not be stopped when its time was over."""


@dataclass(frozen=True)
class Delete:
    """The grace is over as well."""


@dataclass(frozen=True)
class Void:
    """Forget what was done at moments that have not come yet: a clock was ahead."""


Action = Rest | Tell | Expire | Stop | Delete | Void


def view(expiry: Expiry) -> View:
    """What is written down now."""
    appliance = expiry.appliance
    return View(
        expires_at=appliance.expires_at,
        expired_at=appliance.expired_at,
        goal=appliance.goal,
        state=appliance.state,
        set_at=expiry.set_at,
        reminded_days=expiry.reminded_days,
        reminded_at=expiry.reminded_at,
        announced_at=expiry.announced_at,
        warned_at=expiry.warned_at,
    )


def decide(found: View, grace: timedelta, now: datetime) -> Action:
    """The one thing to do next.

    :param grace: from the stop to the deletion.
    """
    if found.ended:
        return Rest()
    if any(at is not None and at > now + SLACK for at in found.moments):
        return Void()
    if found.expired_at is None:
        return _before(found, now)
    return _after(found, found.expired_at, grace, now)


def _before(found: View, now: datetime) -> Action:
    stops_at = stop_moment(found)
    if stops_at is None:
        return _remind(found, now)
    if now < stops_at:
        return Rest(stops_at)
    return Expire() if found.announced_at else Tell("expired")


def _remind(found: View, now: datetime) -> Action:
    assert found.expires_at is not None, "it expires"
    last, first = found.expires_at - DAY, found.expires_at - WEEK
    if now >= last:
        return Tell("day")
    if found.reminded_days is not None or first <= found.set_at:
        return Rest(last)  # whoever gave it so short a time knows
    return Tell("week") if now >= first else Rest(first)


def stop_moment(found: View) -> datetime | None:
    """When it is stopped; None while its owner has not been reminded of that the last time."""
    if found.reminded_days != DAY.days or found.reminded_at is None or found.expires_at is None:
        return None
    return max(found.expires_at, found.reminded_at + DAY)


def _after(found: View, expired_at: datetime, grace: timedelta, now: datetime) -> Action:
    if found.goal == "running" and "stopped" in GOALS[found.state]:
        return Stop()
    warn_at = expired_at + grace - DAY
    # Where the grace is as short as the warning is early, the mail of the stop was the warning.
    warned_at = found.warned_at or (found.announced_at if grace <= DAY else None)
    if warned_at is None:
        return Tell("deletion") if now >= warn_at else _rest(found, warn_at, now)
    deletes_at = max(expired_at + grace, warned_at + DAY)
    return Delete() if now >= deletes_at else _rest(found, deletes_at, now)


def _rest(found: View, until: datetime, now: datetime) -> Rest:
    built = found.state in ("requested", "provisioning") and found.goal == "running"
    return Rest(min(until, now + LOOK_AGAIN) if built else until)


def deletion_moment(found: View, grace: timedelta, now: datetime) -> datetime:
    """When it will be deleted at the earliest, for its owner to read."""
    expired_at = found.expired_at or max(stop_moment(found) or now, now)
    if found.expired_at is None or found.warned_at is None:
        return max(expired_at + grace, now + DAY)
    return max(expired_at + grace, found.warned_at + DAY)
