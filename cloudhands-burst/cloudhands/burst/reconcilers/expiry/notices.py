"""One mail, not many: whom to tell of what, and what the mail says."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from cloudhands.burst.reconcilers.expiry.decide import (
    DAY,
    WEEK,
    Notice,
    Tell,
    decide,
    deletion_moment,
    stop_moment,
    view,
)
from cloudhands.common import site
from cloudhands.common.expiry.tables import Expiry
from cloudhands.common.mail.commands import post

# The mails' templates.
REMINDER = "expiry-reminder"
STOPPED = "expiry-stopped"
DELETION = "expiry-deletion"
TEMPLATE: Mapping[Notice, str] = {
    "week": REMINDER,
    "day": REMINDER,
    "expired": STOPPED,
    "deletion": DELETION,
}


def tell(
    session: Session,
    notice: Notice,
    mine: Expiry,
    others: Sequence[Expiry],
    grace: timedelta,
    now: datetime,
) -> int:
    """Post one mail about an appliance and all others of its owner that the same holds for, and
    write down of each that it was told.

    :param others: the owner's, locked; `mine` may be among them.
    :returns: how many appliances the mail tells of.
    """
    told = [one for one in others if one is mine or _belongs(notice, mine, one, grace, now)]
    for one in told:
        _mark(notice, one, now)
    told.sort(key=lambda one: (one.appliance.expires_at, one.appliance_id))
    owner = mine.appliance.owner
    values = {
        "name": owner.name,
        "grace_days": grace.days,
        "appliances": [_told(one, grace, now) for one in told],
    }
    # The rows say what was told. This names the event for whoever reads the outbox: what was told
    # of this time's end on this day.
    once = f"{TEMPLATE[notice]}:{mine.uuid}:{mine.appliance.expires_at:%Y-%m-%dT%H:%M}:{now:%F}"
    post(session, owner.mail or site.installed().support, TEMPLATE[notice], values, now, once)
    return len(told)


def _belongs(notice: Notice, mine: Expiry, other: Expiry, grace: timedelta, now: datetime) -> bool:
    """Whether another is due to be told the same, or will be within the day."""
    found = view(other)
    if found.ended:
        return False
    if decide(found, grace, now) == Tell(notice):
        return True
    if _day(notice, mine) != _day(notice, other) or (notice != "deletion" and found.expired_at):
        return False
    return {
        "week": found.reminded_days is None,
        "day": found.reminded_days != DAY.days,
        "expired": stop_moment(found) is not None and found.announced_at is None,
        "deletion": found.expired_at is not None and found.warned_at is None,
    }[notice]


def _day(notice: Notice, one: Expiry) -> object:
    appliance = one.appliance
    at = appliance.expired_at if notice == "deletion" else appliance.expires_at
    return at and at.date()


def _mark(notice: Notice, one: Expiry, now: datetime) -> None:
    match notice:
        case "week" | "day":
            one.reminded_days = (WEEK if notice == "week" else DAY).days
            one.reminded_at = now
        case "expired":
            one.announced_at = now
        case "deletion":
            one.warned_at = now


def _told(one: Expiry, grace: timedelta, now: datetime) -> Mapping[str, Any]:
    appliance, found = one.appliance, view(one)
    stops_at = found.expired_at or stop_moment(found) or found.expires_at
    assert stops_at is not None, "it expires"
    return {
        "uuid": str(appliance.uuid),
        "label": appliance.label,
        "organisation": appliance.organisation.title,
        "stops_at": max(stops_at, now).isoformat() if not found.expired_at else None,
        "deletes_at": deletion_moment(found, grace, now).isoformat(),
    }
