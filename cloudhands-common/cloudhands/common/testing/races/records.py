"""Races for what is written once or in order: history, claims, creations, components."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudhands.common import history, idempotency, work
from cloudhands.common.actor import commands as actors
from cloudhands.common.actor.tables import Component, User
from cloudhands.common.appliance import commands as appliances
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.catalogue.tables import CatalogueItem
from cloudhands.common.history import Touch
from cloudhands.common.idempotency import Creation
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.testing.factories import NOON
from cloudhands.common.testing.races import rows
from cloudhands.common.testing.races.checks import only_one, winners
from cloudhands.common.testing.races.racing import CONTENDERS, Control, Outcomes, Race

DUE = 20
AT_ONCE = 5
CLAIM = 60.0


# --- everyone records on one artifact ------------------------------------------------------------


def _user(session: Session, round_: int) -> int:
    (made,) = rows.users(session, 1)
    return made.id


def _record(session: Session, prepared: int, contender: int) -> None:
    user = session.get_one(User, prepared)
    history.record(session, user, user, f"said by contender {contender}", NOON)


def _record_unlocked(session: Session, prepared: int, contender: int) -> None:
    user = session.get_one(User, prepared)
    # What `record` reads again with the row's lock stays as it was read.
    setattr(session, "refresh", lambda *_, **__: None)  # noqa: B010  mypy would not have it
    history.record(session, user, user, f"said by contender {contender}", NOON)


def _no_gap(session: Session, prepared: int, outcomes: Outcomes) -> Iterator[str]:
    yield from winners(outcomes, CONTENDERS)
    user = session.get_one(User, prepared)
    mine = Touch.artifact_uuid == user.uuid
    numbers = session.scalars(select(Touch.number).where(mine).order_by(Touch.number)).all()
    in_all = CONTENDERS + 1  # with the one of its making
    if list(numbers) != list(range(1, in_all + 1)):
        yield f"the rows are numbered {numbers}"
    if user.touch_count != in_all or user.version != in_all:
        yield f"the artifact tells of {user.touch_count} rows and version {user.version}"


# --- workers claim what is due -------------------------------------------------------------------


def _due(session: Session, round_: int) -> Sequence[int]:
    # What is left of the round before is not for this one.
    session.execute(update(Appliance).values(due_at=None))
    made = rows.appliances(session, DUE)
    for number, appliance in enumerate(made):
        appliance.due_at = NOON - timedelta(seconds=number)
    return [appliance.id for appliance in made]


def _claim(session: Session, prepared: Sequence[int], contender: int) -> dict[int, str]:
    taken = work.claim(session, Appliance, NOON, CLAIM, AT_ONCE)
    return {claim.id: claim.token for claim in taken}


def _claim_unlocked(session: Session, prepared: Sequence[int], contender: int) -> dict[int, str]:
    due = select(Appliance.id).where(Appliance.due_at <= NOON, Appliance.claim_token.is_(None))
    ids = session.scalars(due.order_by(Appliance.due_at, Appliance.id).limit(AT_ONCE)).all()
    token = f"contender {contender}"
    session.execute(update(Appliance).where(Appliance.id.in_(ids)).values(claim_token=token))
    return dict.fromkeys(ids, token)


def _each_by_one(session: Session, prepared: Sequence[int], outcomes: Outcomes) -> Iterator[str]:
    yield from winners(outcomes, CONTENDERS)
    taken = [(id_, token) for outcome in outcomes for id_, token in (outcome.value or {}).items()]
    ids = [id_ for id_, _ in taken]
    if twice := sorted({id_ for id_ in ids if ids.count(id_) > 1}):
        yield f"claimed by more than one: {twice}"
    if set(ids) != set(prepared):
        yield f"{len(set(ids))} were claimed of the {len(prepared)} that were due"
    query = select(Appliance.id, Appliance.claim_token).where(Appliance.id.in_(prepared))
    if dict(taken) != {row.id: row.claim_token for row in session.execute(query)}:
        yield "a claim is not the one that its row tells of"


# --- the same request, with the same key ---------------------------------------------------------


class _Request(NamedTuple):
    user: int
    organisation: int
    item: int
    key: str


def _request(session: Session, round_: int) -> _Request:
    made = rows.organisation(session)
    (member,) = rows.members(session, made, 1)
    return _Request(member.user_id, made.id, rows.item(session).id, rows.word())


def _create(session: Session, prepared: _Request, contender: int) -> UUID:
    # Everyone has looked for the key before, and found nothing.
    made = appliances.launch(
        session,
        session.get_one(User, prepared.user),
        session.get_one(Organisation, prepared.organisation),
        session.get_one(CatalogueItem, prepared.item),
        appliances.Launch(label="the same", size="small"),
        NOON,
    )
    idempotency.keep(session, prepared.user, prepared.key, "the same", f"/{made.uuid}", NOON)
    return made.uuid


def _one_creation(session: Session, prepared: _Request, outcomes: Outcomes) -> Iterator[str]:
    yield from winners(outcomes, 1)
    yield from only_one(session, Creation, Creation.user_id == prepared.user)
    launched = Appliance.organisation_id == prepared.organisation
    yield from only_one(session, Appliance, launched)
    if (used := session.get_one(Organisation, prepared.organisation).appliances_used) != 1:
        yield f"{used} appliances are reserved for one"


# --- a component is made known by whoever needs it first -----------------------------------------


def _name(session: Session, round_: int) -> str:
    return rows.word()


def _component(session: Session, prepared: str, contender: int) -> int:
    return actors.component(session, prepared, NOON).id


def _one_component(session: Session, prepared: str, outcomes: Outcomes) -> Iterator[str]:
    yield from winners(outcomes, CONTENDERS)
    ids = session.scalars(select(Component.id).where(Component.component == prepared)).all()
    if len(ids) != 1 or {outcome.value for outcome in outcomes} != set(ids):
        yield f"the component has the rows {ids}"


RACES: Sequence[Race[Any]] = (
    Race(
        "history-chain",
        _user,
        _record,
        _no_gap,
        Control(
            ["ALTER TABLE touches DROP CONSTRAINT IF EXISTS uq_touches_artifact_uuid_number"],
            _record_unlocked,
        ),
    ),
    Race("work-claimed", _due, _claim, _each_by_one, Control(attempt=_claim_unlocked)),
    Race(
        "idempotent-creation",
        _request,
        _create,
        _one_creation,
        Control(
            ["ALTER TABLE creations DROP CONSTRAINT IF EXISTS uq_creations_user_id_key_digest"]
        ),
        (IntegrityError,),
    ),
    Race(
        "component-made",
        _name,
        _component,
        _one_component,
        Control(["ALTER TABLE components DROP CONSTRAINT IF EXISTS uq_components_component"]),
    ),
)
