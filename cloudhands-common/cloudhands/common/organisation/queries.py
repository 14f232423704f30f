"""What can be read of organisations."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, and_, bindparam, func, select
from sqlalchemy.orm import Session

from cloudhands.common.actor.tables import User
from cloudhands.common.membership.tables import Membership
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.permissions import Role
from cloudhands.common.seen import RENAMES, Seen, Version, revision


def by_name(session: Session, name: str, *, lock: bool = False) -> Organisation | None:
    """The organisation of that name.

    :param lock: hold it against other writers until the transaction ends.
    """
    query = select(Organisation).where(Organisation.name == name)
    return session.scalars(query.with_for_update() if lock else query).one_or_none()


def of_user(session: Session, user: User) -> Sequence[Organisation]:
    """The organisations that a user is an active member of, by title."""
    return session.scalars(
        select(Organisation)
        .join(Membership)
        .where(Membership.user_id == user.id, Membership.state == "active")
        .order_by(Organisation.title, Organisation.id)
    ).all()


class About(NamedTuple):
    """What people are told of an organisation itself; `used` of its `limit` of appliances."""

    id: int
    uuid: UUID
    name: str
    title: str
    limit: int | None
    used: int


_ABOUT = select(
    Organisation.id,
    Organisation.uuid,
    Organisation.name,
    Organisation.title,
    Organisation.appliances_limit,
    Organisation.appliances_used,
).where(Organisation.id == bindparam("id"))


def about(connection: Connection | Session, id_: int) -> About:
    """The organisation of that row."""
    return About(*connection.execute(_ABOUT, {"id": id_}).one())


_SEEN = (
    select(
        Organisation.id,
        Organisation.version,
        Organisation.appliances_used,
        RENAMES,
        Membership.role,
    )
    .outerjoin(
        Membership,
        and_(
            Membership.organisation_id == Organisation.id,
            Membership.user_id == bindparam("viewer"),
            Membership.state == "active",
        ),
    )
    .where(Organisation.uuid == bindparam("uuid"))
)


def seen(connection: Connection, viewer_id: int, uuid: UUID) -> Seen | None:
    """The organisation with that public id as a user sees it, without what it holds."""
    row = connection.execute(_SEEN, {"viewer": viewer_id, "uuid": uuid}).one_or_none()
    if row is None:
        return None
    id_, version, appliances, renames, role = row
    roles = frozenset({Role.PERSON, Role(role)} if role else {Role.PERSON})
    return Seen(id_, roles, (version, appliances, renames), version)


_OF_USER = select(
    revision(Membership, Membership.user_id == bindparam("user")).subquery(),
    select(func.coalesce(func.sum(Organisation.version), 0))
    .join(Membership, Membership.organisation_id == Organisation.id)
    .where(Membership.user_id == bindparam("user"))
    .scalar_subquery(),
    RENAMES,
)


def seen_of_user(connection: Connection, user_id: int) -> tuple[Version, ...]:
    """The versions of a user's memberships, whatever their state, and of their organisations."""
    return tuple(connection.execute(_OF_USER, {"user": user_id}).one())
