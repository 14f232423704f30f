"""Races for memberships: one for a person and an organisation, and an administrator who stays."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudhands.common.actor import commands as actors
from cloudhands.common.actor.queries import OPERATOR
from cloudhands.common.actor.tables import User
from cloudhands.common.errors import Conflict
from cloudhands.common.membership import commands
from cloudhands.common.membership.queries import locked
from cloudhands.common.membership.tables import Membership
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.person import Person
from cloudhands.common.testing.factories import NOON, Factory, person
from cloudhands.common.testing.races import rows
from cloudhands.common.testing.races.checks import only_one, winners
from cloudhands.common.testing.races.racing import CONTENDERS, Control, Outcomes, Race

ONE_MEMBERSHIP = (
    "ALTER TABLE memberships DROP CONSTRAINT IF EXISTS uq_memberships_organisation_id_user_id"
)


class _Joining(NamedTuple):
    organisation: int
    administrator: int
    person: Person


def _joining(session: Session, round_: int) -> _Joining:
    """In every other round the person was known here before."""
    organisation = rows.organisation(session)
    (membership,) = rows.members(session, organisation, 1, "admin")
    joining = person(rows.word())
    if round_ % 2 == 0:
        actors.user_of_person(session, joining, membership.user, NOON)
    return _Joining(organisation.id, membership.user_id, joining)


def _known(session: Session, round_: int) -> _Joining:
    actors.component(session, OPERATOR, NOON)
    return _joining(session, 0)


def _grant(session: Session, prepared: _Joining, contender: int) -> None:
    organisation = session.get_one(Organisation, prepared.organisation)
    user = session.scalars(select(User).where(User.uid == prepared.person.uid)).one()
    operator = Factory(session).operator
    commands.grant(session, operator, organisation, user, "member", NOON)


def _invite(session: Session, prepared: _Joining, contender: int) -> None:
    organisation = session.get_one(Organisation, prepared.organisation)
    administrator = session.get_one(User, prepared.administrator)
    commands.invite(session, administrator, organisation, prepared.person, "member", NOON)


def _one_member(session: Session, prepared: _Joining, outcomes: Outcomes) -> Iterator[str]:
    theirs = select(User.id).where(User.directory_id == prepared.person.id)
    in_it = Membership.organisation_id == prepared.organisation
    yield from winners(outcomes, 1)
    yield from only_one(session, Membership, in_it, Membership.user_id.in_(theirs))
    yield from only_one(session, User, User.directory_id == prepared.person.id)


def _administrators(session: Session, round_: int) -> Sequence[int]:
    organisation = rows.organisation(session)
    made = rows.members(session, organisation, CONTENDERS, "admin")
    return [membership.id for membership in made]


def _leave(session: Session, prepared: Sequence[int], contender: int) -> None:
    membership = locked(session, prepared[contender])
    commands.withdraw(session, membership.user, membership, NOON)


def _leave_unlocked(session: Session, prepared: Sequence[int], contender: int) -> None:
    membership = session.get_one(Membership, prepared[contender])
    commands.withdraw(session, membership.user, membership, NOON)


def _one_stays(session: Session, prepared: Sequence[int], outcomes: Outcomes) -> Iterator[str]:
    yield from winners(outcomes, CONTENDERS - 1)
    staying = Membership.id.in_(prepared), Membership.state == "active"
    if not session.scalars(select(Membership.id).where(*staying)).all():
        yield "nobody administers the organisation any more"


RACES: Sequence[Race[Any]] = (
    Race(
        "membership-granted",
        _known,
        _grant,
        _one_member,
        Control([ONE_MEMBERSHIP]),
        (Conflict, IntegrityError),
    ),
    Race(
        "membership-invited",
        _joining,
        _invite,
        _one_member,
        Control([ONE_MEMBERSHIP]),
        (Conflict, IntegrityError),
    ),
    Race(
        "last-administrator",
        _administrators,
        _leave,
        _one_stays,
        Control(attempt=_leave_unlocked),
        (Conflict,),
    ),
)
