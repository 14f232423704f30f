"""What people ask of a registration: to invite, to confirm, to give details, to take it back.

What cloud-burst does with it is in `publishing`.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field, StringConstraints
from sqlalchemy.orm import Session

from cloudhands.common import history, permissions, tokens, work
from cloudhands.common.account.keys import KeyLineOrNone
from cloudhands.common.actor.commands import component
from cloudhands.common.actor.queries import PORTAL, local_user_by_mail, roles_of, user_by_uid
from cloudhands.common.actor.tables import Actor
from cloudhands.common.errors import Conflict, InvalidInput
from cloudhands.common.forms import Form, Label, Mail
from cloudhands.common.machine import move
from cloudhands.common.mail.commands import post
from cloudhands.common.membership.commands import RoleName
from cloudhands.common.membership.queries import roles_in
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.permissions import Role
from cloudhands.common.registration import links, queries
from cloudhands.common.registration.reserved import RESERVED
from cloudhands.common.registration.states import REGISTRATION
from cloudhands.common.registration.tables import Registration

LASTS = timedelta(days=14)
INVITATION = "registration-invitation"  # the mail's template


class NewRegistration(Form):
    """Whom to invite, by mail, and as what."""

    mail: Annotated[Mail, Field(title="Mail address")]
    role: Annotated[RoleName, Field(title="Role")] = "member"


class Details(Form):
    """What a person says of themselves: the user name for machines and portal, name, first key."""

    uid: Annotated[
        str,
        StringConstraints(strip_whitespace=True, pattern=r"^[a-z][a-z0-9_-]{1,30}$"),
        Field(
            title="User name",
            description="Two to 31 lower-case letters, digits, - and _; the first is a letter.",
        ),
    ]
    name: Annotated[Label, Field(title="Name")]
    key: KeyLineOrNone = ""


def invite(
    session: Session,
    actor: Actor,
    organisation: Organisation | None,
    wanted: NewRegistration,
    now: datetime,
) -> Registration:
    """Invite somebody who has no account; the operator may do so without an organisation.

    The constraint refuses what another transaction began for the address at the same moment.

    :raises Conflict: if the address has an account here, or is invited already.
    """
    roles = roles_of(actor) if organisation is None else roles_in(session, actor, organisation)
    permissions.require("registration.invite", roles)
    _require_free_mail(session, wanted.mail, None)
    registration = Registration(
        organisation=organisation,
        role=wanted.role,
        mail=wanted.mail,
        state=REGISTRATION.initial,
        created_at=now,
        version=0,
    )
    session.add(registration)
    _renew(registration, now)
    why = f"invited as {wanted.role}"
    history.record(session, registration, actor, why, now, to_state=registration.state)
    _send(session, registration, INVITATION, now)
    return registration


def invite_again(session: Session, actor: Actor, registration: Registration, now: datetime) -> None:
    """Send a new link, which takes the place of the one before; also when it has ended.

    :param registration: locked by the caller.
    :raises Conflict: if the person has gone too far for that, has an account by now, or was erased.
    """
    permissions.require("registration.invite", queries.roles_towards(session, actor, registration))
    if not registration.mail:
        raise Conflict("The person was erased: invite them by a new registration.")
    _require_free_mail(session, registration.mail, registration)
    _renew(registration, now)
    if registration.state == "invited":
        why, state = "sent a new link", registration.state
        history.record(session, registration, actor, why, now, from_state=state, to_state=state)
    else:
        move(session, REGISTRATION, registration, "invited", actor, "invited again", now)
    _send(session, registration, INVITATION, now)


def confirm(
    session: Session, registration: Registration, token: str, secret: bytes, now: datetime
) -> str:
    """Take the word of whoever holds the link for it that the mail address is theirs.

    :param registration: locked by the caller.
    :param secret: the server's.
    :returns: the token for `detail`, the next step.
    :raises NotFound: if the token is wrong or was used.
    :raises Conflict: if it came too late; the sentence says what to do.
    """
    links.require(token, secret, links.CONFIRM, registration)
    permissions.require("registration.confirm", {Role.SELF})
    _require_in_time(registration, "invited", now)
    _renew(registration, now)
    person = component(session, PORTAL, now)
    why = "the person followed the link"
    move(session, REGISTRATION, registration, "confirmed", person, why, now)
    work.wake(session, registration, now)
    return links.token(secret, links.DETAIL, registration)


def detail(
    session: Session,
    registration: Registration,
    token: str,
    secret: bytes,
    wanted: Details,
    now: datetime,
) -> None:
    """Keep what the person says of themselves; cloud-burst makes the account.

    :param registration: locked by the caller.
    :raises NotFound: if the token is wrong or was used.
    :raises Conflict: if it came too late; the sentence says what to do.
    :raises InvalidInput: if the user name is taken.
    """
    links.require(token, secret, links.DETAIL, registration)
    permissions.require("registration.detail", {Role.SELF})
    _require_in_time(registration, "confirmed", now)
    _require_free_uid(session, registration, wanted.uid)
    registration.uid, registration.name = wanted.uid, wanted.name
    registration.key = wanted.key or None
    registration.nonce = tokens.fresh()
    person = component(session, PORTAL, now)
    why = "the person gave their details"
    move(session, REGISTRATION, registration, "detailed", person, why, now)
    work.wake(session, registration, now)


def withdraw(session: Session, actor: Actor, registration: Registration, now: datetime) -> None:
    """Take a registration back.

    :param registration: locked by the caller.
    :raises Conflict: if it has ended, or the person has the account already.
    """
    permissions.require(
        "registration.withdraw", queries.roles_towards(session, actor, registration)
    )
    move(session, REGISTRATION, registration, "withdrawn", actor, "withdrawn", now)
    registration.key = None
    work.wake(session, registration, now)


def ask_for_details(
    session: Session, registration: Registration, template: str, now: datetime
) -> None:
    """Give a new link's nonce and time, and mail it: for the step that the state is at."""
    _renew(registration, now)
    _send(session, registration, template, now)


def _renew(registration: Registration, now: datetime) -> None:
    registration.nonce = tokens.fresh()
    registration.expires_at = now + LASTS


def _send(session: Session, registration: Registration, template: str, now: datetime) -> None:
    # The link is derived when the mail is sent: what is kept here is worth nothing.
    organisation = registration.organisation
    values: dict[str, Any] = {
        "registration": str(registration.uuid),
        "organisation": organisation.title if organisation else None,
        "role": registration.role,
    }
    session.flush()
    post(session, registration.mail, template, values, now)
    work.wake(session, registration, now)


def _require_free_mail(session: Session, mail: str, mine: Registration | None) -> None:
    user = local_user_by_mail(session, mail)
    if user is not None and (mine is None or user.id != mine.user_id):
        raise Conflict(f"{mail} has an account already: find {user.name} and invite them by it.")
    other = queries.open_by_mail(session, mail)
    if other is not None and other is not mine:
        raise Conflict(
            f"{mail} has been invited already: send a new link, or withdraw that invitation."
        )


def _require_free_uid(session: Session, registration: Registration, uid: str) -> None:
    user = user_by_uid(session, uid)
    other = queries.open_by_uid(session, uid)
    taken = user is not None and user.id != registration.user_id
    if taken or uid in RESERVED or (other is not None and other is not registration):
        raise InvalidInput({"uid": f"The user name {uid} is taken. Choose another one."})


def _require_in_time(registration: Registration, state: str, now: datetime) -> None:
    if registration.state == state and now < registration.expires_at:
        return
    ask = "Ask whoever invited you to invite you again."
    if registration.state in (state, "expired"):
        raise Conflict(f"This link ran out on {registration.expires_at:%d %B %Y}. {ask}")
    if registration.state == "withdrawn":
        raise Conflict(f"This invitation was taken back. {ask}")
    raise Conflict("This step has been made already.")
