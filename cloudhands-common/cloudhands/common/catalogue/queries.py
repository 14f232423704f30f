"""What can be read of the catalogue."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from cloudhands.common.catalogue.tables import CatalogueItem
from cloudhands.common.seen import Version, revision


def every(session: Session) -> Sequence[CatalogueItem]:
    """All items, by title."""
    return session.scalars(
        select(CatalogueItem).order_by(CatalogueItem.title, CatalogueItem.id)
    ).all()


def by_uuid(session: Session, uuid: UUID) -> CatalogueItem | None:
    """The item with that public id."""
    return session.scalars(select(CatalogueItem).where(CatalogueItem.uuid == uuid)).one_or_none()


_EVERY = revision(CatalogueItem)


def seen_of_catalogue(connection: Connection) -> tuple[Version, ...]:
    """The versions of all items."""
    return tuple(connection.execute(_EVERY).one())
