"""What can be read of memberships, and the roles that follow from them."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from cloudhands.common.actor.queries import roles_of
from cloudhands.common.actor.tables import Actor, User
from cloudhands.common.membership.tables import Membership
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.permissions import Role
from cloudhands.common.seen import RENAMES, Seen, Version, revision


def by_id(session: Session, id_: int) -> Membership:
    """The membership of that row, with its organisation and user."""
    shown = (
        joinedload(Membership.organisation, innerjoin=True),
        joinedload(Membership.user, innerjoin=True),
    )
    return session.get_one(Membership, id_, options=shown)


def locked(session: Session, id_: int) -> Membership:
    """The membership of that row, held with its organisation until the transaction ends.

    The organisation is held too, so that two of its administrators do not withdraw each other at
    the same moment.
    """
    membership = session.get_one(Membership, id_, with_for_update=True)
    session.get_one(Organisation, membership.organisation_id, with_for_update=True)
    return membership


class Listed(NamedTuple):
    """A membership as one of a list: whose it is, by uid, name and the directory's id."""

    uuid: UUID
    role: str
    state: str
    uid: str
    name: str
    directory_id: str | None


_LISTED = (
    select(
        Membership.uuid, Membership.role, Membership.state, User.uid, User.name, User.directory_id
    )
    .join(User, User.id == Membership.user_id)
    .where(
        Membership.organisation_id == bindparam("organisation"),
        # Not `in_`, which is put together anew for every query.
        or_(*(Membership.state == state for state in ("invited", "accepted", "active"))),
    )
    .order_by(User.name, Membership.id)
)


def listed(connection: Connection | Session, organisation_id: int) -> Sequence[Listed]:
    """Who is invited or a member, by name, in one query."""
    rows = connection.execute(_LISTED, {"organisation": organisation_id})
    return [Listed._make(row) for row in rows.all()]


def is_last_administrator(session: Session, membership: Membership) -> bool:
    """Whether nobody would administer the organisation without this membership."""
    if (membership.role, membership.state) != ("admin", "active"):
        return False
    other = select(Membership.id).where(
        Membership.organisation_id == membership.organisation_id,
        Membership.role == "admin",
        Membership.state == "active",
        Membership.id != membership.id,
    )
    return session.scalar(other.limit(1)) is None


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


_VIEWERS, _ADMINS = aliased(Membership), aliased(Membership)
# Whether there is another one decides what can be done with an administrator.
_COUNT_OF_ADMINS = (
    select(func.count(_ADMINS.id))
    .where(
        _ADMINS.organisation_id == Membership.organisation_id,
        _ADMINS.role == "admin",
        _ADMINS.state == "active",
    )
    .correlate(Membership)
    .scalar_subquery()
)
_SEEN = (
    select(
        Membership.id,
        Membership.version,
        Membership.user_id == bindparam("viewer"),
        Organisation.version,
        RENAMES,
        _COUNT_OF_ADMINS,
        _VIEWERS.role,
    )
    .join(Organisation, Organisation.id == Membership.organisation_id)
    .outerjoin(
        _VIEWERS,
        and_(
            _VIEWERS.organisation_id == Membership.organisation_id,
            _VIEWERS.user_id == bindparam("viewer"),
            _VIEWERS.state == "active",
        ),
    )
    .where(Membership.uuid == bindparam("uuid"))
)


def seen(connection: Connection, viewer_id: int, uuid: UUID) -> Seen | None:
    """The membership with that public id as a user sees it."""
    row = connection.execute(_SEEN, {"viewer": viewer_id, "uuid": uuid}).one_or_none()
    if row is None:
        return None
    id_, version, mine, organisation, renames, admins, role = row
    roles = {Role.PERSON} | ({Role.SELF} if mine else set()) | ({Role(role)} if role else set())
    return Seen(id_, frozenset(roles), (version, organisation, renames, admins), version)


_OF_ORGANISATION = revision(Membership, Membership.organisation_id == bindparam("organisation"))


def seen_of_organisation(connection: Connection, organisation_id: int) -> tuple[Version, ...]:
    """The versions of an organisation's memberships, whatever their state."""
    return tuple(connection.execute(_OF_ORGANISATION, {"organisation": organisation_id}).one())
