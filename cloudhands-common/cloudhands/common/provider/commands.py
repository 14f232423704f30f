"""Subscribing organisations to providers."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.common import history, limits, permissions, settings, work
from cloudhands.common.actor.queries import roles_of
from cloudhands.common.actor.tables import Actor
from cloudhands.common.cloud import Capabilities
from cloudhands.common.db import known_or_made
from cloudhands.common.limits import Limits
from cloudhands.common.machine import move
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.states import SUBSCRIPTION
from cloudhands.common.provider.tables import Provider, Subscription

Overflow = Literal["never", "ask", "auto"]


def provider(session: Session, name: str, now: datetime) -> Provider:
    """The row of a provider of the settings, made at the first call."""
    query = select(Provider).where(Provider.name == name)
    return known_or_made(
        session,
        lambda: session.scalars(query).one_or_none(),
        lambda: Provider(name=name, created_at=now, version=0),
    )


def tell_capabilities(
    session: Session, actor: Actor, name: str, capabilities: Capabilities, now: datetime
) -> None:
    """Write down what a provider of the settings can do, for commands and pages to know."""
    permissions.require("provider.tell", roles_of(actor))
    found, wanted = provider(session, name, now), asdict(capabilities)
    if found.capabilities == wanted:
        return
    found.capabilities = wanted
    able = ", ".join(sorted(each for each, able in wanted.items() if able))
    history.record(session, found, actor, f"it can: {able or 'no more than every cloud'}", now)


def set_limits(
    session: Session, actor: Actor, subscription: Subscription, wanted: Limits, now: datetime
) -> None:
    """Agree on other limits of what an organisation may take of a provider.

    :param subscription: locked by the caller.
    """
    permissions.require("organisation.set-limits", roles_of(actor))
    if changes := limits.set_limits(subscription, wanted):
        state, why = subscription.state, f"limits: {changes}"
        history.record(session, subscription, actor, why, now, from_state=state, to_state=state)


def subscribe(
    session: Session,
    actor: Actor,
    organisation: Organisation,
    providers: Mapping[str, settings.Provider],
    overflow: Overflow,
    now: datetime,
    *,
    vouched: bool = True,
) -> None:
    """Let an organisation use every provider of the settings.

    :param overflow: whether public clouds may be used when the private ones are full.
    :param vouched: whether to take the operator's word that they can be used; else cloud-burst
        looks first.
    """
    permissions.require("organisation.create", roles_of(actor))
    for name, defined in providers.items():
        subscription = Subscription(
            organisation=organisation,
            provider=provider(session, name, now),
            priority=defined.priority,
            overflow=overflow,
            state=SUBSCRIPTION.initial,
            created_at=now,
            version=0,
        )
        session.add(subscription)
        if vouched:
            why = "the operator vouches for it"
            move(session, SUBSCRIPTION, subscription, "active", actor, why, now)
            continue
        state, why = subscription.state, "to be checked by cloud-burst"
        history.record(session, subscription, actor, why, now, to_state=state)
        work.wake(session, subscription, now)


def check_soon(session: Session, now: datetime, spread: float = 0) -> None:
    """Have every subscription looked at: what its provider should have may be something else now.

    :param spread: over how many seconds.
    """
    in_use = Subscription.state != "inactive"
    work.wake_all(session, Subscription, now, in_use, spread=spread, wish=True)
