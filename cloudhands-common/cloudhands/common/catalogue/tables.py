"""The table of catalogue items."""

from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from cloudhands.common.db import Artifact, Base


class CatalogueItem(Artifact, Base):
    """An appliance as advertised; `definition` is an `ItemDefinition` as JSON."""

    __tablename__ = "catalogue_items"
    kind = "catalogue item"

    name: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    summary: Mapped[str]
    definition: Mapped[dict[str, Any]]
