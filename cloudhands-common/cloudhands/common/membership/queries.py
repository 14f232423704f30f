"""What can be read of memberships, and the roles that follow from them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from cloudhands.common.actor.queries import roles_of
from cloudhands.common.actor.tables import Actor, User
from cloudhands.common.membership.tables import Membership
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.permissions import Role


def by_uuid(session: Session, uuid: UUID) -> Membership | None:
    """The membership with that public id, with its organisation and user."""
    return session.scalars(
        select(Membership)
        .where(Membership.uuid == uuid)
        .options(joinedload(Membership.organisation), joinedload(Membership.user))
    ).one_or_none()


def of_organisation(session: Session, organisation: Organisation) -> Sequence[Membership]:
    """Who is invited or a member, by name, in one query."""
    return session.scalars(
        select(Membership)
        .join(User, User.id == Membership.user_id)
        .where(
            Membership.organisation_id == organisation.id,
            Membership.state.in_(("invited", "accepted", "active")),
        )
        .options(joinedload(Membership.user))
        .order_by(User.name, Membership.id)
    ).all()


def invitations_of(session: Session, user: User) -> Sequence[Membership]:
    """A user's open invitations, the oldest first."""
    return session.scalars(
        select(Membership)
        .where(Membership.user_id == user.id, Membership.state == "invited")
        .options(joinedload(Membership.organisation))
        .order_by(Membership.id)
    ).all()


def roles_in(session: Session, actor: Actor | None, organisation: Organisation) -> frozenset[Role]:
    """What somebody is towards an organisation."""
    roles = roles_of(actor)
    if not isinstance(actor, User):
        return roles
    role = session.scalar(
        select(Membership.role).where(
            Membership.organisation_id == organisation.id,
            Membership.user_id == actor.id,
            Membership.state == "active",
        )
    )
    return roles | {Role(role)} if role else roles


def roles_towards(session: Session, actor: Actor | None, membership: Membership) -> frozenset[Role]:
    """What somebody is towards a membership: the organisation's roles, and whether it is theirs."""
    roles = roles_in(session, actor, membership.organisation)
    if actor is not None and membership.user_id == actor.id:
        return roles | {Role.SELF}
    return roles
