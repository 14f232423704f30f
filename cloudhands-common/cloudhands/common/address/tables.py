"""The tables of addresses and pools."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cloudhands.common.db import Artifact, Base
from cloudhands.common.provider.tables import Provider


class HeldAddress(Base):
    """An address that a node holds, or once held. No two living nodes hold the same one.

    `allotted`: it came from a pool of ours, so the node keeps it whatever the cloud shows, until
    the node has ended.
    """

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
    allotted: Mapped[bool] = mapped_column(default=False, server_default=false())
    held_at: Mapped[datetime]
    released_at: Mapped[datetime | None]


class Pool(Artifact, Base):
    """The addresses of a provider's network that are allotted here and not by the cloud."""

    __tablename__ = "pools"
    __table_args__ = (UniqueConstraint("provider_id", "network"),)
    kind = "pool"

    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    network: Mapped[str]

    provider: Mapped[Provider] = relationship()


class PoolAddress(Base):
    """An address of a pool. `packed` is its bytes, which sort as addresses do and text does not.

    `free`: no living node is written down with it.
    """

    __tablename__ = "pool_addresses"
    __table_args__ = (
        UniqueConstraint("pool_id", "address"),
        Index(
            "ix_pool_addresses_free",
            "pool_id",
            "packed",
            sqlite_where=text("free = 1"),
            postgresql_where=text("free"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pool_id: Mapped[int] = mapped_column(ForeignKey("pools.id"))
    address: Mapped[str]
    packed: Mapped[bytes]
    free: Mapped[bool] = mapped_column(default=True)
