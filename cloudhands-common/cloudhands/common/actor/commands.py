"""Making users and components known."""

from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cloudhands.common import history, permissions
from cloudhands.common.actor.queries import local_user_by_mail, roles_of
from cloudhands.common.actor.tables import Actor, Component, Installation, User
from cloudhands.common.db import known_or_made
from cloudhands.common.errors import Conflict
from cloudhands.common.forms import Form, Label, Mail, Uid
from cloudhands.common.person import Person

# Made once: every change that a process records asks for it.
_COMPONENT = select(Component).where(Component.component == bindparam("name"))


class NewUser(Form):
    """A person who is not in the directory, or whose account is local."""

    uid: Uid
    name: Label
    mail: Mail


def component(session: Session, name: str, now: datetime) -> Component:
    """The component of that name, made known at the first call."""
    return known_or_made(
        session,
        lambda: session.scalars(_COMPONENT, {"name": name}).one_or_none(),
        lambda: Component(component=name, name=name, created_at=now, version=0),
    )


def installation(session: Session) -> Installation:
    """This installation's one row, made at the first call in a writing session."""
    return known_or_made(session, lambda: session.get(Installation, 1), lambda: Installation(id=1))


def create_user(
    session: Session,
    actor: Actor,
    wanted: NewUser,
    now: datetime,
    why: str = "made at the command line",
) -> User:
    """Make a local user. The constraints refuse what another transaction took at the same moment.

    :raises Conflict: if the uid is taken, or another local user has the mail address.
    """
    permissions.require("user.create", roles_of(actor))
    if session.scalar(select(User.id).where(User.uid == wanted.uid)):
        raise Conflict(f"There is a user {wanted.uid} already.")
    if holder := local_user_by_mail(session, wanted.mail):
        raise Conflict(f"The mail address {wanted.mail} belongs to the user {holder.uid} already.")
    user = User(uid=wanted.uid, name=wanted.name, mail=wanted.mail, created_at=now, version=0)
    session.add(user)
    history.record(session, user, actor, why, now)
    return user


def user_of_person(session: Session, person: Person, actor: Actor | None, now: datetime) -> User:
    """The user that a person of the directory is, made known at the first call.

    :param actor: who makes them known; None for the person, at the first sign-in.
    :raises Conflict: if a local account here holds the uid.
    """
    user = session.scalars(select(User).where(User.directory_id == person.id)).one_or_none()
    if user is None:
        _free_uid(session, person, now)
        user = User(
            directory_id=person.id,
            uid=person.uid,
            name=person.name,
            mail=person.mail,
            created_at=now,
            version=0,
        )
        session.add(user)
        session.flush()
        history.record(session, user, actor or user, "known from the directory", now)
    return user


def refresh_user(session: Session, user: User, person: Person, now: datetime) -> None:
    """Let name, uid and mail follow the directory, which the person has just signed in by.

    :raises Conflict: if a local account here holds the uid.
    """
    if (user.uid, user.name, user.mail) == (person.uid, person.name, person.mail):
        return
    session.flush()  # a refresh drops what is not written yet
    session.refresh(user, with_for_update=True)
    if user.uid != person.uid:
        _free_uid(session, person, now)
    if (user.uid, user.name) != (person.uid, person.name):
        count_rename(session)
    user.uid, user.name, user.mail = person.uid, person.name, person.mail
    history.record(session, user, user, "changed as in the directory", now)


def count_rename(session: Session) -> None:
    """Tell those who show people's names that one has changed."""
    installation(session).renames = Installation.renames + 1


def _free_uid(session: Session, person: Person, now: datetime) -> None:
    """Take a uid from whoever the directory once gave it to: now it is somebody else's."""
    holder = session.scalars(select(User).where(User.uid == person.uid)).one_or_none()
    if holder is None:
        return
    if holder.directory_id is None:
        raise Conflict(f"The name {person.uid} belongs to another account here.")
    holder.uid = f"{holder.uid}~{holder.id}"
    count_rename(session)
    history.record(session, holder, holder, "the directory gave the uid to somebody else", now)
    session.flush()
