"""Pausing a provider, so that nothing there is called, and resuming it.

Its appliances and subscriptions are left as they are: who takes one in hand finds the provider
paused, and puts it aside. Resuming wakes them all.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from cloudhands.common import history, permissions, work
from cloudhands.common.actor.queries import roles_of
from cloudhands.common.actor.tables import Actor
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.forms import writable
from cloudhands.common.listing.tables import ProviderListing
from cloudhands.common.machine import move
from cloudhands.common.provider.states import PROVIDER
from cloudhands.common.provider.tables import Provider, Subscription

# Those that waited for a provider come back over so many seconds.
SPREAD_SECONDS = 5.0


def pause(
    session: Session,
    actor: Actor,
    provider: Provider,
    reason: str,
    now: datetime,
    probe_at: datetime | None = None,
) -> bool:
    """Let nothing at a provider be called from now on.

    An operator's pause takes the place of one that a probe would end; trouble changes nothing in
    one of an operator's.

    :param provider: locked by the caller.
    :param reason: plain words, shown to people after "is paused: ".
    :param probe_at: when to probe whether it works again; None: an operator resumes it.
    :returns: whether that changed anything.
    """
    permissions.require("provider.pause", roles_of(actor))
    ends = "operator" if probe_at is None else "probe"
    if provider.state == "paused" and ends in ("probe", provider.pause_ends):
        return False
    provider.problem, provider.pause_ends = writable(reason), ends
    why = f"paused: {reason}"
    if provider.state == "paused":
        history.record(session, provider, actor, why, now, from_state="paused", to_state="paused")
    else:
        move(session, PROVIDER, provider, "paused", actor, why, now)
        provider.since = now
    provider.due_at = probe_at
    provider.wanted_version += 1
    return True


def resume(session: Session, actor: Actor, provider: Provider, why: str, now: datetime) -> bool:
    """Let a provider be called again, and wake all that waits for it.

    :param provider: locked by the caller.
    :returns: whether it was paused.
    """
    permissions.require("provider.resume", roles_of(actor))
    if provider.state != "paused":
        return False
    provider.problem, provider.pause_ends = "", ""
    move(session, PROVIDER, provider, "working", actor, why, now)
    provider.since, provider.due_at = now, None
    session.flush()
    _wake(session, provider, now)
    return True


def probe_soon(session: Session, now: datetime) -> None:
    """Have every provider that a probe would resume probed at once: its settings may be others."""
    work.wake_all(session, Provider, now, Provider.pause_ends == "probe")


def _wake(session: Session, provider: Provider, now: datetime) -> None:
    # Also what is in hand just now: its holder may have seen the pause, and put it aside when this
    # is committed. Whoever puts it aside later finds that the provider works.
    subscriptions = Subscription.provider_id == provider.id
    users = session.scalars(select(Subscription.organisation_id).where(subscriptions)).all()
    # In the order of `common.placement.commands`, and all at once: who records on several
    # appliances locks them by their ids, too.
    concerned = or_(Appliance.provider_id == provider.id, _unplaced(users))
    due = Appliance.due_at.is_not(None)
    work.wake_all(session, Appliance, now, due, concerned, spread=SPREAD_SECONDS)
    in_use = Subscription.state != "inactive"
    work.wake_all(session, Subscription, now, subscriptions, in_use, spread=SPREAD_SECONDS)
    listed = (ProviderListing.provider_id == provider.id, ProviderListing.due_at.is_not(None))
    work.wake_all(session, ProviderListing, now, *listed)


def wake_unplaced(
    session: Session, organisations: Sequence[int], now: datetime, spread: float = 0
) -> None:
    """Wake what found no cloud: another one can be used now.

    :param organisations: whose, by the ids of their rows.
    :param spread: over how many seconds.
    """
    due = Appliance.due_at.is_not(None)
    work.wake_all(session, Appliance, now, due, _unplaced(organisations), spread=spread)


def _unplaced(organisations: Sequence[int]) -> ColumnElement[bool]:
    return and_(
        Appliance.provider_id.is_(None),
        Appliance.state == "requested",
        Appliance.organisation_id.in_(organisations),
    )
