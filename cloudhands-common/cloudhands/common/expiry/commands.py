"""Sets the end of an appliance's time, puts it off, and does what follows when it has come."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.common import history, permissions, work
from cloudhands.common.actor.tables import Actor, User
from cloudhands.common.appliance.queries import roles_towards
from cloudhands.common.appliance.states import GOALS
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.errors import Conflict
from cloudhands.common.expiry.tables import Expiry

# Who asks again a moment later gains nothing, and history does not grow by it.
LEAST_GAIN = timedelta(hours=1)


def lifetime(definition: Mapping[str, Any], days: int | None) -> timedelta | None:
    """How long an item lasts from its launch or extension; None if it never expires.

    :param definition: an `ItemDefinition` as JSON, also one of an older release.
    :param days: as the settings say, for an item that does not say it.
    """
    lasting = definition.get("lifetime_days") or days
    return timedelta(days=lasting) if lasting else None


def begin(session: Session, appliance: Appliance, days: int | None, now: datetime) -> None:
    """Set the end of a new appliance's time, if it has one.

    :param days: see `lifetime`.
    """
    lasting = lifetime(appliance.definition, days)
    if lasting is not None:
        appliance.expires_at = now + lasting
        _look_after(session, appliance, now)


def extend(
    session: Session, actor: User, appliance: Appliance, days: int | None, now: datetime
) -> None:
    """Let an appliance last as long as a new one would; it never expires sooner by that.

    One that has expired can be started again. No effect if next to nothing would be gained.

    :param appliance: locked by the caller.
    :param days: see `lifetime`.
    :raises Conflict: if it does not expire, or is to be deleted.
    """
    permissions.require("appliance.extend", roles_towards(session, actor, appliance))
    if not can_extend(appliance):
        raise Conflict(_not_extended(appliance))
    assert appliance.expires_at is not None, "it can be extended"
    lasting = lifetime(appliance.definition, days)
    until = max(now + lasting, appliance.expires_at) if lasting else None
    if until and until < appliance.expires_at + LEAST_GAIN and not appliance.expired_at:
        return
    appliance.expires_at, appliance.expired_at = until, None
    appliance.wanted_version += 1
    why = f"extended until {moment(until)}" if until else "extended: it does not expire any more"
    _record(session, appliance, actor, why, now)
    _look_after(session, appliance, now)


def can_extend(appliance: Appliance) -> bool:
    """Whether its time ends and it is not to be deleted."""
    ending = "deleted" in (appliance.goal, appliance.state)
    return appliance.expires_at is not None and not ending


def _not_extended(appliance: Appliance) -> str:
    if "deleted" in (appliance.goal, appliance.state):
        return f"{appliance.label} is deleted, or is going to be, and cannot be extended any more."
    return f"{appliance.label} does not expire, so there is nothing to extend."


def expire(
    session: Session, actor: Actor, appliance: Appliance, deleted_at: datetime, now: datetime
) -> None:
    """Its time is over: it shall be stopped, as soon as its state allows that (`stop_expired`).

    :param appliance: locked by the caller.
    :param deleted_at: when it is going to be deleted, for history.
    """
    permissions.require("appliance.expire", roles_towards(session, actor, appliance))
    appliance.expired_at = now
    why = f"it expired, and will be deleted on {moment(deleted_at)} unless it is extended"
    _record(session, appliance, actor, why, now)
    stop_expired(session, actor, appliance, now)


def stop_expired(session: Session, actor: Actor, appliance: Appliance, now: datetime) -> None:
    """Stop what has expired, if it can be stopped in its state.

    :param appliance: locked by the caller.
    """
    permissions.require("appliance.expire", roles_towards(session, actor, appliance))
    if appliance.goal == "running" and "stopped" in GOALS[appliance.state]:
        appliance.goal = "stopped"
        _record(session, appliance, actor, "stopped, because it expired", now)
        work.wake(session, appliance, now)


def unexpire(session: Session, actor: Actor, appliance: Appliance, now: datetime) -> None:
    """Take back what a clock that was ahead has made of it: its time is not over yet.

    :param appliance: locked by the caller.
    """
    permissions.require("appliance.expire", roles_towards(session, actor, appliance))
    appliance.expired_at = None
    why = "a clock was ahead: it has not expired, and can be started"
    _record(session, appliance, actor, why, now)


def delete_expired(session: Session, actor: Actor, appliance: Appliance, now: datetime) -> None:
    """The time of grace is over too: it shall be deleted.

    :param appliance: locked by the caller.
    """
    permissions.require("appliance.expire", roles_towards(session, actor, appliance))
    appliance.goal = "deleted"
    _record(session, appliance, actor, "to be deleted, because it expired", now)
    work.wake(session, appliance, now)


def moment(at: datetime) -> str:
    """A moment as people read it."""
    return f"{at:%d %B %Y, %H:%M} UTC"


def _record(session: Session, appliance: Appliance, actor: Actor, why: str, now: datetime) -> None:
    state = appliance.state
    history.record(session, appliance, actor, why, now, from_state=state, to_state=state)


def _look_after(session: Session, appliance: Appliance, now: datetime) -> None:
    """Have cloud-burst look at it, which knows when to look again."""
    found = select(Expiry).where(Expiry.appliance_id == appliance.id).with_for_update()
    expiry = session.scalars(found).one_or_none() if appliance.id else None
    if expiry is None:
        expiry = Expiry(appliance=appliance, created_at=now, wanted_version=0)
        session.add(expiry)
    expiry.set_at = now
    expiry.forget()
    work.wake(session, expiry, now)
