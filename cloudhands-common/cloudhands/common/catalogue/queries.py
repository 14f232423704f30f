"""What can be read of the catalogue."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.common.catalogue.tables import CatalogueItem


def every(session: Session) -> Sequence[CatalogueItem]:
    """All items, by title."""
    return session.scalars(
        select(CatalogueItem).order_by(CatalogueItem.title, CatalogueItem.id)
    ).all()


def by_uuid(session: Session, uuid: UUID) -> CatalogueItem | None:
    """The item with that public id."""
    return session.scalars(select(CatalogueItem).where(CatalogueItem.uuid == uuid)).one_or_none()
