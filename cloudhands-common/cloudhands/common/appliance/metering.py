"""How long each appliance was in use, at which size and provider: read from history alone.

Every row of an appliance's history tells its state, its provider and its size from then on, so
that the time between two rows is known exactly. A server that is stopped still holds its disk and
its share of the limits: its time is counted apart. What is being built or deleted, and what has
failed, is not in use.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.history import Touch
from cloudhands.common.provider.tables import Provider
from cloudhands.common.settings import Price

RUNNING, STOPPED = "running", "stopped"

COUNTED: Mapping[str, str] = {
    "running": RUNNING,
    "stopping": RUNNING,
    "stopped": STOPPED,
    "starting": STOPPED,
}
"""As what the time in each state counts; in other states an appliance is not in use."""

_MICROSECOND = timedelta(microseconds=1)
_MICROSECONDS_AN_HOUR = Decimal(timedelta(hours=1) // _MICROSECOND)


@dataclass(frozen=True)
class Use:
    """How long one appliance was in use at one provider and size.

    :param provider: its name; None if history does not tell.
    :param size: the catalogue item's name of it.
    :param cloud_size: the provider's own name of it, by which it has its price.
    """

    appliance: UUID
    label: str
    provider: str | None
    size: str | None
    cloud_size: str | None
    running: timedelta = timedelta()
    stopped: timedelta = timedelta()


class _Row(NamedTuple):
    """A row of history."""

    appliance_id: int
    number: int
    at: datetime
    state: str | None
    facts: Mapping[str, Any]


def use(session: Session, organisation_id: int, since: datetime, until: datetime) -> Sequence[Use]:
    """An organisation's use between two times, by appliance in the order of their making.

    Three queries, whose cost follows what happened in between, and how many appliances there were.
    """
    names = {row.id: row.name for row in session.execute(select(Provider.id, Provider.name))}
    there = {row.id: row for row in session.execute(_appliances(organisation_id, since, until))}
    rows = (_Row(*row) for row in session.execute(_rows(organisation_id, since, until)))
    return [
        found
        for id_, touches in groupby(rows, attrgetter("appliance_id"))
        for found in _of_appliance(there[id_], list(touches), names, since, until)
    ]


def hours(lasting: timedelta) -> Decimal:
    """A time in hours, exact."""
    return Decimal(lasting // _MICROSECOND) / _MICROSECONDS_AN_HOUR


def cost(used: Use, prices: Mapping[str, Iterable[Price]]) -> Decimal | None:
    """What a use costs; None where its provider has no price for the size.

    :param prices: by the provider's name, as its settings have them.
    """
    for price in prices.get(used.provider or "", ()):
        if price.size == used.cloud_size:
            return hours(used.running) * price.running + hours(used.stopped) * price.stopped
    return None


def _appliances(organisation_id: int, since: datetime, until: datetime) -> Any:
    columns = (
        Appliance.id,
        Appliance.uuid,
        Appliance.label,
        Appliance.definition,
        Appliance.provider_id,
        Appliance.seen_size,
    )
    return select(*columns).where(*_existed(organisation_id, since, until))


def _existed(organisation_id: int, since: datetime, until: datetime) -> Sequence[Any]:
    """What may have been in use: what ended before is passed over by its last row."""
    last = aliased(Touch)
    ended = select(last.at).where(
        last.artifact_uuid == Appliance.uuid, last.number == Appliance.touch_count
    )
    return (
        Appliance.organisation_id == organisation_id,
        Appliance.created_at < until,
        or_(Appliance.state != "deleted", ended.scalar_subquery() > since),
    )


def _rows(organisation_id: int, since: datetime, until: datetime) -> Any:
    # The last row before the time begins, and the first after it: each is found by reading from
    # the nearer end, and no further.
    before, after = aliased(Touch), aliased(Touch)
    first = (
        select(before.number)
        .where(before.artifact_uuid == Appliance.uuid, before.at <= since)
        .order_by(before.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    beyond = (
        select(after.number)
        .where(after.artifact_uuid == Appliance.uuid, after.at >= until)
        .order_by(after.number)
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(Appliance.id, Touch.number, Touch.at, Touch.to_state, Touch.facts)
        .join(Touch, Touch.artifact_uuid == Appliance.uuid)
        .where(
            *_existed(organisation_id, since, until),
            Touch.number >= func.coalesce(first, 0),
            Touch.number <= func.coalesce(beyond, Appliance.touch_count),
        )
        .order_by(Appliance.id, Touch.number)
    )


def _of_appliance(
    appliance: Any,
    touches: Sequence[_Row],
    names: Mapping[int, str],
    since: datetime,
    until: datetime,
) -> Iterator[Use]:
    found: dict[tuple[str | None, str | None], Use] = {}
    for touch, ends in zip(touches, _ends(touches, until), strict=True):
        counted = COUNTED.get(touch.state or "")
        lasting = max(min(ends, until) - max(touch.at, since), timedelta())
        if counted and lasting:
            used = _blank(appliance, touch, names)
            used = found.get((used.provider, used.size), used)
            found[used.provider, used.size] = replace(
                used, **{counted: getattr(used, counted) + lasting}
            )
    yield from found.values()


def _ends(touches: Sequence[_Row], until: datetime) -> Sequence[datetime]:
    """When what each row tells was over.

    A clock that was set back makes no time negative, and none count twice: a row is over as soon
    as any later one was written.
    """
    ends, earliest = [], until
    for touch in reversed(touches):
        ends.append(earliest)
        earliest = min(earliest, touch.at)
    return ends[::-1]


def _blank(appliance: Any, touch: _Row, names: Mapping[int, str]) -> Use:
    # Rows of releases that did not write facts: what the appliance's own row says now.
    facts = touch.facts or {"provider": appliance.provider_id, "size": appliance.seen_size}
    provider, size = names.get(facts.get("provider") or 0), facts.get("size")
    mapped = appliance.definition["sizes"].get(size, {}).get("on", {})
    return Use(appliance.uuid, appliance.label, provider, size, mapped.get(provider))
