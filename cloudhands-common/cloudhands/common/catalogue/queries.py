"""What can be read of the catalogue."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

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


class Named(NamedTuple):
    """What the catalogue names at one provider: images and sizes in the cloud's own words."""

    images: frozenset[str]
    sizes: frozenset[str]


def named_at(session: Session, provider: str) -> Named:
    """Every image and size of the catalogue that a provider should have."""
    definitions = session.scalars(select(CatalogueItem.definition)).all()
    images = {d["images"][provider] for d in definitions if provider in d["images"]}
    sizes = (size["on"] for d in definitions for size in d["sizes"].values())
    return Named(frozenset(images), frozenset(on[provider] for on in sizes if provider in on))


_EVERY = revision(CatalogueItem)


def seen_of_catalogue(connection: Connection) -> tuple[Version, ...]:
    """The versions of all items."""
    return tuple(connection.execute(_EVERY).one())
