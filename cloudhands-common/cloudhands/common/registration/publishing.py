"""What cloud-burst does with a registration: makes the user known, makes it active, ends it.

Each is one transaction that may be repeated after a crash: what is done is found done.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from cloudhands.common import history, permissions, work
from cloudhands.common.account import keys
from cloudhands.common.account.keys import NewKey
from cloudhands.common.account.public_keys import PublicKey
from cloudhands.common.actor import uid_numbers
from cloudhands.common.actor.commands import NewUser, count_rename, create_user
from cloudhands.common.actor.queries import user_by_uid
from cloudhands.common.actor.tables import Actor, User
from cloudhands.common.errors import Conflict
from cloudhands.common.machine import move
from cloudhands.common.mail.commands import post
from cloudhands.common.membership.commands import RoleName, admit
from cloudhands.common.registration.commands import ask_for_details
from cloudhands.common.registration.queries import roles_towards
from cloudhands.common.registration.states import REGISTRATION
from cloudhands.common.registration.tables import Registration

# The mails' templates.
DETAILS_AGAIN = "registration-details-again"
WELCOME = "registration-active"

FIRST_KEY = "first key"


def publish(
    session: Session,
    actor: Actor,
    registration: Registration,
    numbers: range,
    now: datetime,
    known: Collection[int] = (),
) -> User:
    """Make the user known here and allot the uidNumber, so that accounts can be made for both.

    :param registration: locked by the caller.
    :param numbers: the range of uidNumbers; `known`: those that the directory uses.
    :raises Conflict: if the state does not allow it, or uid or mail address have been taken since.
    :raises LimitReached: if the range is used up.
    """
    _require(session, "registration.publish", actor, registration)
    if not REGISTRATION.allows(registration.state, "published"):
        raise Conflict(f"A registration that is {registration.state} cannot become published.")
    user = _known_user(session, actor, registration, now)
    registration.user = user
    registration.uid_number = uid_numbers.allot(session, user, numbers, now, known)
    _hand_over_key(session, registration, user, now)
    why = f"the user is known and has the uidNumber {registration.uid_number}"
    move(session, REGISTRATION, registration, "published", actor, why, now)
    work.wake(session, registration, now)
    return user


def activate(
    session: Session,
    actor: Actor,
    registration: Registration,
    now: datetime,
    directory_id: str | None = None,
) -> None:
    """The accounts are made: the person is a member where they are to be, and is told so.

    :param registration: locked by the caller.
    :param directory_id: the directory's immutable id of the entry that was made, if there is a
        directory; from now on it tells who the user is.
    :raises Conflict: if the state does not allow it.
    """
    _require(session, "registration.activate", actor, registration)
    move(session, REGISTRATION, registration, "active", actor, "the accounts are made", now)
    user, organisation = registration.user, registration.organisation
    assert user is not None, "published has made it known"
    if directory_id is not None:
        user.directory_id = directory_id
    if organisation is not None:
        role: RoleName = "admin" if registration.role == "admin" else "member"
        admit(session, actor, organisation, user, role, now)
    values = {"registration": str(registration.uuid), "uid": registration.uid}
    post(session, registration.mail, WELCOME, values, now, f"{WELCOME}:{registration.uuid}")


def ask_again(
    session: Session, actor: Actor, registration: Registration, why: str, now: datetime
) -> None:
    """Ask the person for other details, such as a uid that the directory has not given before.

    :param registration: locked by the caller.
    :param why: a plain sentence without anything personal, kept in history.
    :raises Conflict: if the state does not allow it.
    """
    _require(session, "registration.ask-again", actor, registration)
    move(session, REGISTRATION, registration, "confirmed", actor, why, now)
    ask_for_details(session, registration, DETAILS_AGAIN, now)


def expire(session: Session, actor: Actor, registration: Registration, now: datetime) -> None:
    """End a registration that was not gone on with in time.

    :param registration: locked by the caller.
    :raises Conflict: if there is time left, or the state does not allow it.
    """
    _require(session, "registration.expire", actor, registration)
    if now < registration.expires_at:
        raise Conflict(f"The registration does not run out before {registration.expires_at}.")
    move(session, REGISTRATION, registration, "expired", actor, "it ran out", now)
    registration.key = None


def _require(session: Session, permission: str, actor: Actor, registration: Registration) -> None:
    permissions.require(permission, roles_towards(session, actor, registration))


def _known_user(session: Session, actor: Actor, registration: Registration, now: datetime) -> User:
    """The user; one of an earlier time, withdrawn and invited again, as the details say now."""
    user = registration.user
    if user is None:
        return _new_user(session, actor, registration, now)
    uid, name = registration.uid or user.uid, registration.name or user.name
    if (user.uid, user.name) != (uid, name):
        if uid != user.uid and user_by_uid(session, uid):
            raise Conflict(f"There is a user {uid} already.")
        user.uid, user.name = uid, name
        count_rename(session)
        history.record(session, user, actor, "registered again", now)
    return user


def _new_user(session: Session, actor: Actor, registration: Registration, now: datetime) -> User:
    uid, name = registration.uid, registration.name
    assert uid, "detailed has it"
    assert name, "detailed has it"
    wanted = NewUser(uid=uid, name=name, mail=registration.mail)
    return create_user(session, actor, wanted, now, "registered")


def _hand_over_key(session: Session, registration: Registration, user: User, now: datetime) -> None:
    if registration.key is None:
        return
    key = PublicKey.parse(registration.key)
    if all(had.fingerprint != key.fingerprint for had in keys.of_user(session, user)):
        keys.add_key(session, user, NewKey(label=FIRST_KEY, key=key.line), now)
    registration.key = None
