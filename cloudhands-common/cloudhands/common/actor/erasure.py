"""Takes everything personal of a user away, and leaves what happened.

The rows of history stay, sealed as they were: their ids, states and times. What is erased are the
words: names, addresses, keys, and every text about the user or by them.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from cloudhands.common import history, permissions, tokens
from cloudhands.common.account.tables import ApiToken, Password, PortalSession, SshKey
from cloudhands.common.actor.commands import count_rename
from cloudhands.common.actor.queries import roles_of
from cloudhands.common.actor.tables import Actor, User
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.errors import Conflict
from cloudhands.common.history.erasure import erase_texts
from cloudhands.common.history.tables import Touch
from cloudhands.common.idempotency import Creation
from cloudhands.common.machine import move
from cloudhands.common.mail.addresses import mail_key
from cloudhands.common.mail.tables import Message
from cloudhands.common.membership.states import MEMBERSHIP
from cloudhands.common.membership.tables import Membership
from cloudhands.common.registration.states import REGISTRATION
from cloudhands.common.registration.tables import OPEN, Registration

NAME = "Erased person"


def erase_user(session: Session, actor: Actor, user: User, now: datetime) -> int:
    """Erase a person: they are signed out, their memberships end, nothing personal is left.

    :returns: how many texts of history were erased.
    :raises Conflict: if they are erased already, or have appliances that are not deleted, or a
        registration that has not ended.
    """
    permissions.require("user.erase", roles_of(actor))
    session.flush()  # a refresh drops what is not written yet
    session.refresh(user, with_for_update=True)
    if user.erased_at is not None:
        raise Conflict(f"The user {user.uuid} is erased already.")
    _require_no_appliances(session, user)
    _require_no_registration(session, user)
    _end_memberships(session, actor, user, now)
    _end_registrations(session, actor, user, now)
    _forget(session, user)
    # With a space: nobody can choose it.
    user.name, user.uid, user.mail = NAME, f"erased {user.id}", ""
    user.directory_id, user.erased_at = None, now
    count_rename(session)
    erased = erase_texts(session, _touches(session, user))
    history.record(session, user, actor, "erased", now)
    return erased


def _require_no_appliances(session: Session, user: User) -> None:
    labels = session.scalars(
        select(Appliance.label)
        .where(Appliance.owner_id == user.id, Appliance.state != "deleted")
        .order_by(Appliance.id)
        .limit(5)
    ).all()
    if labels:
        raise Conflict(
            f"{user.name} has appliances: {', '.join(labels)}. Delete them first, or they would "
            "run on without anybody whose they are."
        )


def _require_no_registration(session: Session, user: User) -> None:
    """A registration that goes on would make the person known again, or has accounts to remove."""
    goes_on = or_(Registration.state.in_(OPEN), Registration.due_at.is_not(None))
    query = select(Registration.id).where(Registration.user_id == user.id, goes_on)
    if session.scalar(query.limit(1)) is not None:
        raise Conflict(
            f"{user.name} has a registration that has not ended. Withdraw it first, or wait until "
            "cloud-burst has done with it."
        )


def _end_memberships(session: Session, actor: Actor, user: User, now: datetime) -> None:
    memberships = session.scalars(select(Membership).where(Membership.user_id == user.id)).all()
    for membership in memberships:
        if membership.is_open:
            why = "the person was erased"
            move(session, MEMBERSHIP, membership, "withdrawn", actor, why, now)


def _end_registrations(session: Session, actor: Actor, user: User, now: datetime) -> None:
    theirs = Registration.user_id == user.id
    if user.mail:
        theirs |= Registration.mail_key == mail_key(user.mail)
    for registration in session.scalars(select(Registration).where(theirs)).all():
        if registration.is_open:
            why = "the person was erased"
            move(session, REGISTRATION, registration, "withdrawn", actor, why, now)
        registration.mail, registration.nonce, registration.due_at = "", tokens.fresh(), None
        registration.uid = registration.name = registration.key = None


def _forget(session: Session, user: User) -> None:
    for table in (Password, PortalSession, ApiToken, SshKey, Creation):
        session.execute(delete(table).where(table.user_id == user.id))
    _take_out_mail(session, user)
    session.execute(
        update(Appliance)
        .where(Appliance.owner_id == user.id)
        .values(label=NAME, authorized_keys=[], setup_log="")
        .execution_options(synchronize_session=False)
    )


def _take_out_mail(session: Session, user: User) -> None:
    """Take what waits to be sent out of the outbox; a mail that was sent has no address left."""
    waiting = session.execute(select(Message.id, Message.to).where(Message.to != ""))
    theirs = [id_ for id_, to in waiting if mail_key(to) == mail_key(user.mail)]
    session.execute(delete(Message).where(Message.id.in_(theirs)))


def _touches(session: Session, user: User) -> Sequence[int]:
    """Rows whose text may tell of the person: about them, by them, of people to what was theirs."""
    session.flush()
    theirs = (
        select(Membership.uuid).where(Membership.user_id == user.id),
        select(Appliance.uuid).where(Appliance.owner_id == user.id),
        select(Registration.uuid).where(Registration.user_id == user.id),
    )
    people = select(User.id)
    return session.scalars(
        select(Touch.id).where(
            or_(
                Touch.artifact_uuid == user.uuid,
                Touch.actor_id == user.id,
                *(Touch.artifact_uuid.in_(uuids) & Touch.actor_id.in_(people) for uuids in theirs),
            )
        )
    ).all()
