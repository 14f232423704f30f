"""Races for agreed limits: what is reserved never passes them, and what was taken comes back once.

Every round limits another one of the things that can be limited.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudhands.common import limits
from cloudhands.common.actor import commands as actors
from cloudhands.common.actor.queries import OPERATOR
from cloudhands.common.actor.tables import User
from cloudhands.common.appliance import commands as appliances
from cloudhands.common.catalogue.tables import CatalogueItem
from cloudhands.common.errors import LimitReached
from cloudhands.common.limits import WORDS, Amounts, Limited, Limits
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider import commands as providers
from cloudhands.common.provider.tables import Subscription
from cloudhands.common.testing.factories import NOON, Factory
from cloudhands.common.testing.races import rows
from cloudhands.common.testing.races.checks import winners
from cloudhands.common.testing.races.racing import CONTENDERS, Control, Outcomes, Race

# What an appliance of `rows.item` takes.
SHARE = Amounts(appliances=1, vcpus=1, memory_mb=2048, storage_gb=10, addresses=1)
NOT_NEGATIVE = "ALTER TABLE subscriptions DROP CONSTRAINT IF EXISTS ck_subscriptions_{}_used"


class _Limited(NamedTuple):
    """A row with room for so many shares of one thing."""

    model: type[Limited]
    id: int
    thing: str
    room: int
    before: int = 0
    owner: int = 0
    item: int = 0
    lowers: bool = False


class _Use(NamedTuple):
    used: int
    limit: int | None


def _thing(round_: int) -> str:
    return list(WORDS)[round_ % len(WORDS)]


def _limit(row: Limited, thing: str, room: int) -> None:
    share: int = getattr(SHARE, thing)
    # A part of a share more is room for no share more.
    setattr(row, f"{thing}_limit", share * room + share - 1)


def _use(session: Session, prepared: _Limited) -> _Use:
    """What is reserved of the limited thing, and the limit, as this transaction sees them."""
    columns = (f"{prepared.thing}_used", f"{prepared.thing}_limit")
    query = select(*(getattr(prepared.model, name) for name in columns))
    return _Use(*session.execute(query.where(prepared.model.id == prepared.id)).one())


def _used_of_all(session: Session, prepared: _Limited, shares: int) -> Iterator[str]:
    row = session.scalars(select(prepared.model).where(prepared.model.id == prepared.id)).one()
    for use in row.uses:
        due = shares * getattr(SHARE, use.name)
        if use.used != due:
            yield f"{use.used} {WORDS[use.name]} are reserved, and {due} were taken"


def _within(outcomes: Outcomes) -> Iterator[str]:
    """Nobody who reserved a share saw more reserved than the limit was at that moment."""
    for outcome in outcomes:
        use = outcome.value
        if isinstance(use, _Use) and use.limit is not None and use.used > use.limit:
            yield f"contender {outcome.contender} made {use.used} reserved of {use.limit}"


# --- taking and giving back, and how they would be done without care -----------------------------


def _reserve(session: Session, prepared: _Limited) -> _Use:
    limits.reserve(session, prepared.model, prepared.id, SHARE, "it")
    return _use(session, prepared)


def _give_back(session: Session, prepared: _Limited) -> None:
    limits.give_back(session, prepared.model, prepared.id, SHARE)


def _reserve_carelessly(session: Session, prepared: _Limited) -> _Use:
    row = session.scalars(select(prepared.model).where(prepared.model.id == prepared.id)).one()
    if why := limits.shortage(row, SHARE):
        raise LimitReached(why)
    _write(session, prepared, row, 1)
    return _use(session, prepared)


def _give_back_carelessly(session: Session, prepared: _Limited) -> None:
    row = session.scalars(select(prepared.model).where(prepared.model.id == prepared.id)).one()
    _write(session, prepared, row, -1)


def _write(session: Session, prepared: _Limited, row: Limited, sign: int) -> None:
    values = {f"{use.name}_used": use.used + sign * getattr(SHARE, use.name) for use in row.uses}
    session.execute(update(prepared.model).where(prepared.model.id == row.id).values(values))


# --- an organisation's limits, with the request --------------------------------------------------


def _organisation(session: Session, round_: int) -> _Limited:
    made, thing, room = rows.organisation(session), _thing(round_), 1 + round_ % 7
    _limit(made, thing, room)
    (owner,), item = rows.members(session, made, 1), rows.item(session)
    return _Limited(Organisation, made.id, thing, room, owner=owner.user_id, item=item.id)


def _launch(session: Session, prepared: _Limited, contender: int) -> _Use:
    appliances.launch(
        session,
        session.get_one(User, prepared.owner),
        session.get_one(Organisation, prepared.id),
        session.get_one(CatalogueItem, prepared.item),
        appliances.Launch(label=f"appliance {contender}", size="small"),
        NOON,
    )
    return _use(session, prepared)


def _all_room_is_taken(session: Session, prepared: _Limited, outcomes: Outcomes) -> Iterator[str]:
    yield from winners(outcomes, min(prepared.room, CONTENDERS))
    yield from _within(outcomes)
    yield from _used_of_all(session, prepared, sum(outcome.won for outcome in outcomes))


# --- a subscription's limits, with the placement -------------------------------------------------


def _subscription(session: Session, round_: int) -> _Limited:
    made, thing, room = rows.subscription(session), _thing(round_), 1 + round_ % 7
    _limit(made, thing, room)
    return _Limited(Subscription, made.id, thing, room)


def _subscription_lowered(session: Session, round_: int) -> _Limited:
    actors.component(session, OPERATOR, NOON)  # known before anybody contends
    return _subscription(session, round_)._replace(lowers=True)


def _place(session: Session, prepared: _Limited, contender: int) -> _Use | None:
    if _lower(session, prepared, contender):
        return None
    return _reserve(session, prepared)


def _place_carelessly(session: Session, prepared: _Limited, contender: int) -> _Use | None:
    if _lower(session, prepared, contender):
        return None
    return _reserve_carelessly(session, prepared)


def _lower(session: Session, prepared: _Limited, contender: int) -> bool:
    """One of them lowers the limit to a share and a half while the others reserve."""
    if not prepared.lowers or contender != CONTENDERS // 2:
        return False
    row = session.get_one(Subscription, prepared.id, with_for_update=True)
    wanted = Limits(**{prepared.thing: int(1.5 * getattr(SHARE, prepared.thing))})
    providers.set_limits(session, Factory(session).operator, row, wanted, NOON)
    return True


def _none_passes(session: Session, prepared: _Limited, outcomes: Outcomes) -> Iterator[str]:
    yield from _within(outcomes)
    taken = sum(isinstance(outcome.value, _Use) for outcome in outcomes)
    if not 1 <= taken <= prepared.room:
        yield f"{taken} have a share where there was room for {prepared.room}"
    if not outcomes[CONTENDERS // 2].won:
        yield "the limit was not lowered"
    yield from _used_of_all(session, prepared, taken)


def _half_taken(session: Session, round_: int) -> _Limited:
    """Half as many shares are taken as there are contenders, and there is room for one more."""
    half = CONTENDERS // 2
    made, thing = rows.subscription(session), _thing(round_)
    _limit(made, thing, half + 1)
    for _ in range(half):
        limits.reserve(session, Subscription, made.id, SHARE, "it")
    return _Limited(Subscription, made.id, thing, half + 1, before=half)


def _exchange(session: Session, prepared: _Limited, contender: int) -> _Use | None:
    """Half of them give their share back while the others reserve one."""
    if contender % 2:
        return _reserve(session, prepared)
    _give_back(session, prepared)
    return None


def _exchange_carelessly(session: Session, prepared: _Limited, contender: int) -> _Use | None:
    if contender % 2:
        return _reserve_carelessly(session, prepared)
    _give_back_carelessly(session, prepared)
    return None


def _none_is_lost(session: Session, prepared: _Limited, outcomes: Outcomes) -> Iterator[str]:
    yield from _within(outcomes)
    taken = sum(isinstance(outcome.value, _Use) for outcome in outcomes)
    given = sum(outcome.won for outcome in outcomes) - taken
    if given != CONTENDERS // 2:
        yield f"{given} have given back instead of {CONTENDERS // 2}"
    if not taken:
        yield "there was room for one, and nobody got it"
    yield from _used_of_all(session, prepared, prepared.before + taken - given)


def _give_back_one(session: Session, prepared: _Limited, contender: int) -> None:
    _give_back(session, prepared)


def _what_was_taken(session: Session, prepared: _Limited, outcomes: Outcomes) -> Iterator[str]:
    yield from winners(outcomes, prepared.before)
    yield from _used_of_all(session, prepared, 0)


def _launch_carelessly(session: Session, prepared: _Limited, contender: int) -> _Use:
    return _reserve_carelessly(session, prepared)


RACES: Sequence[Race[Any]] = (
    Race(
        "organisation-limit",
        _organisation,
        _launch,
        _all_room_is_taken,
        Control(attempt=_launch_carelessly),
        (LimitReached,),
    ),
    Race(
        "subscription-limit",
        _subscription,
        _place,
        _all_room_is_taken,
        Control(attempt=_place_carelessly),
        (LimitReached,),
    ),
    Race(
        "subscription-lowered",
        _subscription_lowered,
        _place,
        _none_passes,
        Control(attempt=_place_carelessly),
        (LimitReached,),
    ),
    Race(
        "subscription-given-back",
        _half_taken,
        _exchange,
        _none_is_lost,
        Control(attempt=_exchange_carelessly),
        (LimitReached,),
    ),
    Race(
        "given-back-once",
        _half_taken,
        _give_back_one,
        _what_was_taken,
        Control(
            [
                f"ALTER TABLE subscriptions DROP CONSTRAINT IF EXISTS ck_subscriptions_{name}_used"
                for name in WORDS
            ]
        ),
        (IntegrityError,),
    ),
)
