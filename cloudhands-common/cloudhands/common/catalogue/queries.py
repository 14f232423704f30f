"""What can be read of the catalogue."""

from collections.abc import Sequence

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from cloudhands.common.catalogue.tables import CatalogueItem
from cloudhands.common.seen import Version, revision


def every(session: Session) -> Sequence[CatalogueItem]:
    """All items, by title."""
    return session.scalars(
        select(CatalogueItem).order_by(CatalogueItem.title, CatalogueItem.id)
    ).all()


_EVERY = revision(CatalogueItem)


def seen_of_catalogue(connection: Connection) -> tuple[Version, ...]:
    """The versions of all items."""
    return tuple(connection.execute(_EVERY).one())
