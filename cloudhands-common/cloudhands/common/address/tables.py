"""The table of addresses."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from cloudhands.common.db import Base


class HeldAddress(Base):
    """An address that a node holds, or once held. No two living nodes hold the same one."""

    __tablename__ = "addresses"
    __table_args__ = (
        Index(
            "uq_addresses_held",
            "provider_id",
            "network",
            "address",
            unique=True,
            sqlite_where=text("released_at IS NULL"),
            postgresql_where=text("released_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    network: Mapped[str]
    address: Mapped[str]
    node_id: Mapped[int] = mapped_column(ForeignKey("nodes.id"), index=True)
    held_at: Mapped[datetime]
    released_at: Mapped[datetime | None]
