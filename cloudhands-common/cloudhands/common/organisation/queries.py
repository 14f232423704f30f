"""What can be read of organisations."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.common.actor.tables import User
from cloudhands.common.membership.tables import Membership
from cloudhands.common.organisation.tables import Organisation


def by_uuid(session: Session, uuid: UUID) -> Organisation | None:
    """The organisation with that public id."""
    return session.scalars(select(Organisation).where(Organisation.uuid == uuid)).one_or_none()


def by_name(session: Session, name: str) -> Organisation | None:
    """The organisation of that name."""
    return session.scalars(select(Organisation).where(Organisation.name == name)).one_or_none()


def of_user(session: Session, user: User) -> Sequence[Organisation]:
    """The organisations that a user is an active member of, by title."""
    return session.scalars(
        select(Organisation)
        .join(Membership)
        .where(Membership.user_id == user.id, Membership.state == "active")
        .order_by(Organisation.title, Organisation.id)
    ).all()
