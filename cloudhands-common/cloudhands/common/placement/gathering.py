"""Gathers what placement needs from the rows and the settings, in a fixed number of queries."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from sqlalchemy.orm import Session

from cloudhands.common.appliance import metering
from cloudhands.common.catalogue.queries import amounts
from cloudhands.common.cloud import Room
from cloudhands.common.limits import Amounts, shortage
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.placement import money, spending
from cloudhands.common.placement.choice import choose
from cloudhands.common.placement.quota import quota_shortage
from cloudhands.common.placement.values import Candidate, Choice, Wish
from cloudhands.common.provider.queries import subscriptions_of
from cloudhands.common.provider.tables import Subscription
from cloudhands.common.settings import Settings

# Others use it too, and it is read but once an hour.
QUOTA_MEMORY = timedelta(minutes=5)
NO_FAILURES: Mapping[int, str] = MappingProxyType({})


@dataclass(frozen=True)
class Circumstances:
    """Where an organisation stands at a moment, whatever it wants to launch.

    :param left: of its budget this month; None if it has none.
    :param approved: names of the providers that an administrator has approved.
    :param failures: why it was given up at a provider for this try, by the provider's row.
    """

    settings: Settings
    organisation: Organisation
    subscriptions: Sequence[Subscription]
    left: Decimal | None
    now: datetime
    approved: Collection[str] = ()
    failures: Mapping[int, str] = field(default_factory=dict)

    def choice(self, definition: Mapping[str, Any], size: str) -> Choice:
        """Choose a cloud.

        :param definition: an `ItemDefinition` as JSON.
        :param size: the name of one of its sizes.
        """
        share = amounts(definition, size)
        candidates = [self._candidate(one, definition, size, share) for one in self.subscriptions]
        _, ends = money.month(self.now)
        wish = Wish(
            definition=definition,
            size=size,
            locations=self.organisation.locations,
            left=self.left,
            hours=metering.hours(ends - self.now),
            currency=self.settings.currency,
        )
        return choose(candidates, wish, self.now)

    def _candidate(
        self, subscription: Subscription, definition: Mapping[str, Any], size: str, share: Amounts
    ) -> Candidate:
        name = subscription.provider.name
        defined = self.settings.providers.get(name)
        memory = timedelta(seconds=self.settings.burst.full_memory)
        full_until, lacks_addresses = _full(subscription, definition)
        return Candidate(
            provider=name,
            label=defined.label if defined else name,
            public=defined.public if defined else False,
            priority=subscription.priority,
            overflow=subscription.overflow,
            approved=name in self.approved,
            state=subscription.state,
            problem=subscription.problem,
            defined=defined is not None,
            location=defined.location if defined else "",
            price=spending.price(defined.prices, definition, name, size) if defined else None,
            paused=subscription.provider.paused,
            shortage=shortage(subscription, share),
            quota_shortage=quota_shortage(self._quota(subscription), share),
            failure=self.failures.get(subscription.provider_id, ""),
            full_since=full_until - memory if full_until else None,
            full_until=full_until,
            lacks_addresses=lacks_addresses,
        )

    def _quota(self, subscription: Subscription) -> Mapping[str, Room]:
        """What the cloud said of its quota a moment ago; what is older is found out by trying."""
        read_at = subscription.read_at
        if read_at is None or self.now - read_at > QUOTA_MEMORY:
            return {}
        quota = subscription.quota or {}
        return {name: Room(room["used"], room["limit"]) for name, room in quota.items()}


def _full(
    subscription: Subscription, definition: Mapping[str, Any]
) -> tuple[datetime | None, bool]:
    """Until when it counts as full for an item, and whether for want of addresses alone."""
    marks = [(subscription.full_until, False)]
    if definition.get("external_address"):
        marks.append((subscription.addresses_full_until, True))
    return max(((until, lacks) for until, lacks in marks if until), default=(None, False))


def circumstances(
    session: Session,
    settings: Settings,
    organisation_id: int,
    now: datetime,
    *,
    approved: Collection[str] = (),
    failures: Mapping[int, str] = NO_FAILURES,
    without: int | None = None,
    lock: bool = False,
) -> Circumstances:
    """Where an organisation stands now; four queries.

    :param approved: names of the providers that an administrator has approved.
    :param failures: why it was given up at a provider for this try, by the provider's row.
    :param without: the row of an appliance that costs nothing yet: it is to be placed.
    :param lock: let no other of its appliances be placed meanwhile, where there is a budget.
    """
    return Circumstances(
        settings=settings,
        organisation=session.get_one(Organisation, organisation_id),
        # First, so that what others take of the limits is seen after them.
        left=spending.left(session, settings, organisation_id, now, without=without, lock=lock),
        subscriptions=subscriptions_of(session, organisation_id),
        now=now,
        approved=approved,
        failures=failures,
    )
