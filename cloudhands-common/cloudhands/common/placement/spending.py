"""What is left of an organisation's budget this month.

A launch must be paid until the month ends, and so must everything that the organisation has at a
cloud already: a budget that was kept to at every launch is kept to at the month's end. A stopped
server counts as if it ran, since starting it asks nobody.

What was spent is read from history, which grows; so cloud-burst does that once an hour (`reckon`)
and keeps the sum. From then on everything that is there is counted at its price, whenever it
came. Only what ended since is missing: at most an hour's price of that, until the next hour.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from cloudhands.common.appliance import metering
from cloudhands.common.appliance.tables import PRESENT, Appliance
from cloudhands.common.placement import money
from cloudhands.common.placement.tables import Budget
from cloudhands.common.provider.tables import Provider
from cloudhands.common.settings import Price, Settings

RECKONED_SECONDS = 3600.0
_PRESENT = text(f"appliances.{PRESENT}")


_LOCKED = (
    select(Budget)
    .where(Budget.organisation_id == bindparam("organisation"))
    .with_for_update()
    .execution_options(populate_existing=True)
)


def price(prices: Iterable[Price], definition: Mapping[str, Any], provider: str, size: str) -> Any:
    """What a size costs an hour, running, as a Decimal; None where there is no price for it.

    :param prices: the provider's.
    :param definition: an `ItemDefinition` as JSON.
    """
    mapped = definition["sizes"].get(size, {}).get("on", {}).get(provider)
    return next((one.running for one in prices if one.size == mapped), None)


def locked(session: Session, organisation_id: int) -> Budget | None:
    """An organisation's budget, if it has one, as it is once no other of its appliances can be
    placed meanwhile.
    """
    session.flush()  # it is read again
    return session.scalars(_LOCKED, {"organisation": organisation_id}).one_or_none()


def left(
    session: Session,
    settings: Settings,
    budget: Budget,
    now: datetime,
    *,
    without: int | None = None,
) -> Decimal:
    """What may still be promised until the month ends, perhaps less than nothing.

    One query, whose cost follows what the organisation has now.

    :param without: the row of an appliance that does not count.
    """
    begins, ends = money.month(now)
    # What was reckoned in the month before says nothing of this one.
    since = max(budget.spent_at or begins, begins)
    session.flush()  # what was placed in this transaction counts
    rate = sum(_rates(session, settings, budget.organisation_id, without), Decimal(0))
    return budget.amount - spent(budget, now) - rate * metering.hours(ends - since)


def spent(budget: Budget, now: datetime) -> Decimal:
    """What this month's use had cost when it was last reckoned."""
    begins, _ = money.month(now)
    known = budget.spent_at is not None and budget.spent_at >= begins
    return Decimal(budget.spent_cents if known else 0) / 100


def _rates(
    session: Session, settings: Settings, organisation_id: int, without: int | None
) -> Sequence[Decimal]:
    rows = session.execute(
        select(Appliance.id, Appliance.definition, Appliance.seen_size, Provider.name)
        .join(Provider, Provider.id == Appliance.provider_id)
        .where(Appliance.organisation_id == organisation_id, _PRESENT)
    )
    return [
        price(defined.prices, definition, name, size or "") or Decimal(0)
        for id_, definition, size, name in rows
        if id_ != without and (defined := settings.providers.get(name))
    ]


def reckon(session: Session, settings: Settings, organisation_id: int, now: datetime) -> int:
    """What the month's use has cost so far, in hundredths; what has no price counts as nothing.

    Its cost follows the month's history.
    """
    begins, _ = money.month(now)
    prices = {name: provider.prices for name, provider in settings.providers.items()}
    used = metering.use(session, organisation_id, begins, now)
    costs = (metering.cost(one, prices) for one in used)
    return int(sum((cost for cost in costs if cost is not None), Decimal(0)) * 100)
