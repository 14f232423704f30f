"""Gathers what placement needs from the rows and the settings, in a fixed number of queries."""

import weakref
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, SessionTransaction

from cloudhands.common.appliance import metering
from cloudhands.common.catalogue.queries import amounts
from cloudhands.common.cloud import Room
from cloudhands.common.limits import Amounts, shortage
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.placement import money, spending
from cloudhands.common.placement.choice import choose
from cloudhands.common.placement.quota import quota_shortage
from cloudhands.common.placement.tables import Budget
from cloudhands.common.placement.values import Candidate, Choice, Wish
from cloudhands.common.provider.queries import subscriptions_of
from cloudhands.common.provider.tables import Subscription
from cloudhands.common.settings import Settings

# Others use it too, and it is read but once an hour.
QUOTA_MEMORY = timedelta(minutes=5)
_MEMORY = "cloudhands_standings"
NO_FAILURES: Mapping[int, str] = MappingProxyType({})


@dataclass(frozen=True)
class Circumstances:
    """Where an organisation stands at a moment, whatever it wants to launch.

    :param locations: where its data may lie; empty for anywhere.
    :param left: of its budget this month; None if it has none.
    :param approved: names of the providers that an administrator has approved.
    :param failures: why it was given up at a provider for this try, by the provider's row.
    """

    settings: Settings
    locations: Sequence[str]
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
            locations=self.locations,
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
    failures: Mapping[int, str] = NO_FAILURES,
    without: int | None = None,
    lock: bool = False,
) -> Circumstances:
    """Where an organisation stands now; two queries, and one or two more if it has a budget.

    :param failures: why it was given up at a provider for this try, by the provider's row.
    :param without: the row of an appliance that costs nothing yet: it is to be placed.
    :param lock: let no other of its appliances be placed meanwhile, where there is a budget.
    """
    standing = _remembered(session, organisation_id) if lock else _read(session, organisation_id)
    left = None
    if standing.budget is not None:
        left = spending.left(session, settings, standing.budget, now, without=without)
    return Circumstances(
        settings=settings,
        locations=standing.locations,
        left=left,
        subscriptions=standing.subscriptions,
        now=now,
        failures=failures,
    )


class _Standing(NamedTuple):
    """What does not depend on the moment and on what is to be launched."""

    locations: Sequence[str]
    budget: Budget | None
    subscriptions: Sequence[Subscription]


# Made once: it is asked for with every launch.
_STANDING = (
    select(Organisation.locations, Budget)
    .select_from(Organisation)
    .outerjoin(Budget, Budget.organisation_id == Organisation.id)
    .where(Organisation.id == bindparam("organisation"))
)


def _read(session: Session, organisation_id: int, *, lock: bool = False) -> _Standing:
    locations, budget = session.execute(_STANDING, {"organisation": organisation_id}).one()
    # Before the subscriptions, so that what others take of the limits is seen after them.
    if budget is not None and lock:
        budget = spending.locked(session, organisation_id)
    return _Standing(locations, budget, subscriptions_of(session, organisation_id))


class _Memory(NamedTuple):
    """What was read in a transaction, by the organisation's row."""

    transaction: weakref.ref[SessionTransaction]
    standings: dict[int, _Standing]


def _remembered(session: Session, organisation_id: int) -> _Standing:
    """Where an organisation stands, read once in a transaction that places many appliances.

    What is reserved meanwhile is seen: by this transaction as `limits` tells its rows, by others
    when a share is taken. Where there is a budget, each is locked and reckoned for itself.
    """
    standings = _memory(session).standings
    if (known := standings.get(organisation_id)) is not None:
        return known
    found = _read(session, organisation_id, lock=True)
    if found.budget is None:
        standings[organisation_id] = found
    return found


def _memory(session: Session) -> _Memory:
    memory: _Memory | None = session.info.get(_MEMORY)
    present = session.get_transaction() or session.begin()
    if memory is None or memory.transaction() is not present:
        memory = session.info[_MEMORY] = _Memory(weakref.ref(present), {})
    return memory
