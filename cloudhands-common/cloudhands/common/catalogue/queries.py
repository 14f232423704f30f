"""What can be read of the catalogue."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from cloudhands.common.catalogue.tables import CatalogueItem
from cloudhands.common.limits import Amounts
from cloudhands.common.seen import Version, revision


def amounts(definition: Mapping[str, Any], size: str) -> Amounts:
    """What an item of that size takes of the limits.

    :param definition: an `ItemDefinition` as JSON, with that size.
    """
    found = definition["sizes"][size]
    return Amounts(
        appliances=1,
        vcpus=found["vcpus"],
        memory_mb=found["memory_mb"],
        storage_gb=found["disk_gb"],
        addresses=int(definition["external_address"]),
    )


def every(session: Session) -> Sequence[CatalogueItem]:
    """All items, by title."""
    return session.scalars(
        select(CatalogueItem).order_by(CatalogueItem.title, CatalogueItem.id)
    ).all()


_EVERY = revision(CatalogueItem)


def seen_of_catalogue(connection: Connection) -> tuple[Version, ...]:
    """The versions of all items."""
    return tuple(connection.execute(_EVERY).one())
