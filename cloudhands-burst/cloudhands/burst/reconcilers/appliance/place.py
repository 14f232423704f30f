"""Gathers what placement needs from the rows and the settings."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from cloudhands.burst.placement import Candidate, Choice, choose
from cloudhands.burst.reconcilers.appliance.given_up import hopeless
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.limits import Amounts, shortage
from cloudhands.common.provider.queries import subscriptions_of
from cloudhands.common.provider.tables import Subscription
from cloudhands.common.settings import Settings


def place(session: Session, settings: Settings, appliance: Appliance, now: datetime) -> Choice:
    """Choose a cloud for an appliance among its organisation's."""
    subscriptions = subscriptions_of(session, appliance.organisation_id)
    failures = hopeless(session, appliance)
    candidates = [
        replace(
            _candidate(subscription, settings, appliance.share),
            failure=failures.get(subscription.provider_id, ""),
        )
        for subscription in subscriptions
    ]
    return choose(candidates, appliance.definition, appliance.size, now)


def _candidate(subscription: Subscription, settings: Settings, share: Amounts) -> Candidate:
    provider = subscription.provider
    defined = settings.providers.get(provider.name)
    memory = timedelta(seconds=settings.burst.full_memory)
    return Candidate(
        provider=provider.name,
        label=defined.label if defined else provider.name,
        defined=defined is not None,
        public=defined.public if defined else False,
        priority=subscription.priority,
        overflow=subscription.overflow,
        state=subscription.state,
        full_since=subscription.full_until - memory if subscription.full_until else None,
        full_until=subscription.full_until,
        shortage=shortage(subscription, share),
        paused=provider.paused,
    )
