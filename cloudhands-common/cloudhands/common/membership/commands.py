"""Inviting people, accepting, another role, the end; and the operator's direct grant."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.common import history, permissions
from cloudhands.common.actor.commands import user_of_person
from cloudhands.common.actor.queries import roles_of
from cloudhands.common.actor.tables import Actor, User
from cloudhands.common.errors import Conflict
from cloudhands.common.forms import Form, Line
from cloudhands.common.machine import move
from cloudhands.common.membership.queries import is_last_administrator, roles_in, roles_towards
from cloudhands.common.membership.states import MEMBERSHIP
from cloudhands.common.membership.tables import Membership
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.person import Person

RoleName = Literal["member", "admin"]


class Invitation(Form):
    """Whom to invite, by the directory's immutable id, and as what."""

    person: Annotated[Line, Field(title="Person")]
    role: Annotated[RoleName, Field(title="Role")] = "member"


def grant(
    session: Session,
    actor: Actor,
    organisation: Organisation,
    user: User,
    role: RoleName,
    now: datetime,
) -> Membership:
    """Make somebody an active member at once: the operator's.

    :raises Conflict: if there is a membership already.
    """
    permissions.require("membership.grant", roles_of(actor))
    if _find(session, organisation, user):
        raise Conflict(f"{user.name} is known to {organisation.title} already.")
    membership = _new(session, organisation, user, role, now)
    move(session, MEMBERSHIP, membership, "active", actor, f"made {role} at the command line", now)
    return membership


def admit(
    session: Session,
    actor: Actor,
    organisation: Organisation,
    user: User,
    role: RoleName,
    now: datetime,
) -> Membership:
    """Make somebody whose registration led here an active member; cloud-burst's.

    An open or ended membership is taken up; one that is active stays as it is.
    """
    permissions.require("membership.admit", roles_of(actor))
    membership = _find(session, organisation, user) or _new(session, organisation, user, role, now)
    if membership.state == "active":
        return membership
    membership.role = role
    why = f"registered as {role}"
    if not membership.is_open and membership.state != MEMBERSHIP.initial:
        move(session, MEMBERSHIP, membership, "invited", actor, why, now)
    move(session, MEMBERSHIP, membership, "active", actor, why, now)
    return membership


def invite(
    session: Session,
    actor: Actor,
    organisation: Organisation,
    person: Person,
    role: RoleName,
    now: datetime,
) -> Membership:
    """Invite a person of the directory; an ended membership is taken up again.

    :param person: as the directory describes them, never as a client does.
    :raises Conflict: if they are a member or invited already.
    """
    permissions.require("membership.invite", roles_in(session, actor, organisation))
    user = user_of_person(session, person, actor, now)
    membership = _find(session, organisation, user) or _new(session, organisation, user, role, now)
    if membership.is_open:
        raise Conflict(f"{user.name} is {_ALREADY[membership.state]} already.")
    membership.role = role
    move(session, MEMBERSHIP, membership, "invited", actor, f"invited as {role}", now)
    return membership


_ALREADY = {"invited": "invited", "accepted": "a member", "active": "a member"}


def accept(session: Session, actor: Actor, membership: Membership, now: datetime) -> None:
    """Accept one's own invitation.

    :raises Conflict: if it is not open any more.
    """
    permissions.require("membership.accept", roles_towards(session, actor, membership))
    if membership.state != "invited":
        raise Conflict("This invitation is not open any more.")
    move(session, MEMBERSHIP, membership, "active", actor, "accepted the invitation", now)


class NewRole(Form):
    """What somebody is in an organisation from now on."""

    role: Annotated[RoleName, Field(title="Role")]


def set_role(
    session: Session, actor: Actor, membership: Membership, wanted: NewRole, now: datetime
) -> None:
    """Make a member an administrator, or an administrator a member; also of an invitation.

    :param membership: locked by the caller, with its organisation.
    :raises Conflict: if it has ended, or nobody would administer the organisation any more.
    """
    permissions.require("membership.set-role", roles_towards(session, actor, membership))
    _require_open(membership)
    if membership.role == wanted.role:
        return
    if wanted.role != "admin":
        _require_another_administrator(session, membership)
    membership.role = wanted.role
    state = membership.state
    why = f"made {wanted.role}"
    history.record(session, membership, actor, why, now, from_state=state, to_state=state)


def withdraw(session: Session, actor: Actor, membership: Membership, now: datetime) -> None:
    """End a membership, or take an invitation back; the person's appliances stay.

    :param membership: locked by the caller, with its organisation.
    :raises Conflict: if it has ended, or nobody would administer the organisation any more.
    """
    permissions.require("membership.withdraw", roles_towards(session, actor, membership))
    _require_open(membership)
    _require_another_administrator(session, membership)
    move(session, MEMBERSHIP, membership, "withdrawn", actor, "withdrawn", now)


def _require_open(membership: Membership) -> None:
    if not membership.is_open:
        raise Conflict(f"The membership of {membership.user.name} has ended.")


def _require_another_administrator(session: Session, membership: Membership) -> None:
    if is_last_administrator(session, membership):
        raise Conflict(
            f"{membership.user.name} is the only administrator of {membership.organisation.title}. "
            "Make somebody else one first."
        )


def _find(session: Session, organisation: Organisation, user: User) -> Membership | None:
    return session.scalars(
        select(Membership)
        .where(Membership.organisation_id == organisation.id, Membership.user_id == user.id)
        .with_for_update()
    ).one_or_none()


def _new(
    session: Session, organisation: Organisation, user: User, role: RoleName, now: datetime
) -> Membership:
    membership = Membership(
        organisation=organisation,
        user=user,
        role=role,
        state=MEMBERSHIP.initial,
        created_at=now,
        version=0,
    )
    session.add(membership)
    return membership
