"""Races for what belongs to one person only: uid, mail address, uidNumber."""

import secrets
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudhands.common.actor import commands as actors
from cloudhands.common.actor import uid_numbers
from cloudhands.common.actor.queries import OPERATOR
from cloudhands.common.actor.tables import UidNumber, User
from cloudhands.common.db import Base
from cloudhands.common.errors import Conflict, InvalidInput
from cloudhands.common.mail.addresses import mail_key
from cloudhands.common.registration import commands as registrations
from cloudhands.common.registration import links
from cloudhands.common.registration.tables import OPEN, Registration
from cloudhands.common.testing.factories import NOON, Factory
from cloudhands.common.testing.races import rows
from cloudhands.common.testing.races.checks import only_one, winners
from cloudhands.common.testing.races.racing import (
    CONTENDERS,
    Control,
    Outcomes,
    Race,
)

LINK_SECRET = b"what links are derived from"


def _word(session: Session, round_: int) -> str:
    actors.component(session, OPERATOR, NOON)  # known before anybody contends
    return rows.word()


def _mail(word: str, contender: int) -> str:
    """The same address in a case that only this contender has."""
    mail = f"alexandra.{word}@example.org"
    return mail[:contender].lower() + mail[contender:].upper()


def _one(session: Session, outcomes: Outcomes, model: type[Base], *where: Any) -> Iterator[str]:
    yield from winners(outcomes, 1)
    yield from only_one(session, model, *where)


# --- users ---------------------------------------------------------------------------------------


def _create(session: Session, uid: str, mail: str) -> None:
    wanted = actors.NewUser(uid=uid, name=uid, mail=mail)
    actors.create_user(session, Factory(session).operator, wanted, NOON)


def _create_by_mail(session: Session, word: str, contender: int) -> None:
    _create(session, f"{word}-{contender}", _mail(word, contender))


def _one_of_mail(session: Session, word: str, outcomes: Outcomes) -> Iterator[str]:
    return _one(session, outcomes, User, func.lower(User.mail) == mail_key(_mail(word, 0)))


def _create_by_uid(session: Session, word: str, contender: int) -> None:
    _create(session, word, f"{word}-{contender}@example.org")


def _one_of_uid(session: Session, word: str, outcomes: Outcomes) -> Iterator[str]:
    return _one(session, outcomes, User, User.uid == word)


# --- registrations -------------------------------------------------------------------------------


def _register(session: Session, word: str, contender: int) -> None:
    wanted = registrations.NewRegistration(mail=_mail(word, contender))
    registrations.invite(session, Factory(session).operator, None, wanted, NOON)


def _one_registration(session: Session, word: str, outcomes: Outcomes) -> Iterator[str]:
    mine = func.lower(Registration.mail) == mail_key(_mail(word, 0))
    return _one(session, outcomes, Registration, mine, Registration.state.in_(OPEN))


class _Confirmed(NamedTuple):
    uid: str
    registrations: Sequence[int]


def _confirmed(session: Session, round_: int) -> _Confirmed:
    uid = rows.word()
    made = [
        Registration(
            role="member",
            mail=f"{uid}-{contender}@example.org",
            state="confirmed",
            nonce=secrets.token_hex(8),
            expires_at=NOON + timedelta(days=1),
            created_at=NOON,
            version=0,
        )
        for contender in range(CONTENDERS)
    ]
    session.add_all(made)
    session.flush()
    return _Confirmed(uid, [one.id for one in made])


def _detail(session: Session, prepared: _Confirmed, contender: int) -> None:
    id_ = prepared.registrations[contender]
    registration = session.get_one(Registration, id_, with_for_update=True)
    token = links.token(LINK_SECRET, links.DETAIL, registration)
    details = registrations.Details(uid=prepared.uid, name="Alexandra")
    registrations.detail(session, registration, token, LINK_SECRET, details, NOON)


def _one_detailed(session: Session, prepared: _Confirmed, outcomes: Outcomes) -> Iterator[str]:
    return _one(session, outcomes, Registration, Registration.uid == prepared.uid)


# --- uidNumbers ----------------------------------------------------------------------------------


class _Numbered(NamedTuple):
    users: Sequence[int]
    first: int


def _numbered(session: Session, round_: int) -> _Numbered:
    made = rows.users(session, CONTENDERS)
    highest = session.scalar(select(func.max(UidNumber.number))) or 0
    return _Numbered([user.id for user in made], highest + 1)


def _allot(session: Session, prepared: _Numbered, contender: int) -> int:
    """Two contenders for each of half the users."""
    user = session.get_one(User, prepared.users[contender // 2])
    return uid_numbers.allot(session, user, range(1, 1_000_000), NOON)


def _allot_or_take(session: Session, prepared: _Numbered, contender: int) -> int:
    """Half of them write down the number that is the next to be allotted to the others."""
    user = session.get_one(User, prepared.users[contender])
    if contender % 2:
        uid_numbers.take(session, user, prepared.first, NOON)
        return prepared.first
    return uid_numbers.allot(session, user, range(prepared.first, prepared.first + 1000), NOON)


def _all_allotted(session: Session, prepared: _Numbered, outcomes: Outcomes) -> Iterator[str]:
    yield from winners(outcomes, CONTENDERS)
    given = {(outcome.contender // 2, outcome.value) for outcome in outcomes}
    if len(given) != CONTENDERS // 2:
        yield f"users and numbers do not go together one to one: {sorted(given, key=str)}"
    yield from _numbers_once(session, prepared)


def _all_but_one_takes(session: Session, prepared: _Numbered, outcomes: Outcomes) -> Iterator[str]:
    # Either one of those who take it has the number, or one to whom it was allotted.
    had = [outcome.contender for outcome in outcomes if outcome.value == prepared.first]
    if len(had) != 1:
        yield f"contenders {had} all have the number {prepared.first}"
    if lost := [one.contender for one in outcomes if not one.won and one.contender % 2 == 0]:
        yield f"nothing was allotted to contenders {lost}"
    yield from _numbers_once(session, prepared)


def _numbers_once(session: Session, prepared: _Numbered) -> Iterator[str]:
    uuids = select(User.uuid).where(User.id.in_(prepared.users))
    mine = UidNumber.user_uuid.in_(uuids)
    query = select(UidNumber.number, UidNumber.user_uuid).where(mine)
    found = session.execute(query).all()
    for column in (0, 1):
        if len({row[column] for row in found}) != len(found):
            yield f"a number or a user is written down twice: {[row.number for row in found]}"


RACES: Sequence[Race[Any]] = (
    Race(
        "user-mail",
        _word,
        _create_by_mail,
        _one_of_mail,
        Control(["DROP INDEX IF EXISTS ix_users_mail_key"]),
        (Conflict, IntegrityError),
    ),
    Race(
        "user-uid",
        _word,
        _create_by_uid,
        _one_of_uid,
        Control(["ALTER TABLE users DROP CONSTRAINT IF EXISTS uq_users_uid"]),
        (Conflict, IntegrityError),
    ),
    Race(
        "registration-mail",
        _word,
        _register,
        _one_registration,
        Control(["DROP INDEX IF EXISTS uq_registrations_open_mail_key"]),
        (Conflict, IntegrityError),
    ),
    Race(
        "registration-uid",
        _confirmed,
        _detail,
        _one_detailed,
        Control(["DROP INDEX IF EXISTS uq_registrations_open_uid"]),
        (InvalidInput, IntegrityError),
    ),
    Race(
        "uid-number-allotted",
        _numbered,
        _allot,
        _all_allotted,
        Control(
            [
                "ALTER TABLE uid_numbers DROP CONSTRAINT IF EXISTS pk_uid_numbers CASCADE",
                "ALTER TABLE uid_numbers DROP CONSTRAINT IF EXISTS uq_uid_numbers_user_uuid",
            ]
        ),
    ),
    Race(
        "uid-number-taken",
        _numbered,
        _allot_or_take,
        _all_but_one_takes,
        Control(["ALTER TABLE uid_numbers DROP CONSTRAINT IF EXISTS pk_uid_numbers CASCADE"]),
        (Conflict,),
    ),
)
