"""The table of what the last listing of each provider told."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cloudhands.common.db import Base
from cloudhands.common.provider.tables import Provider
from cloudhands.common.work import Due, due_index


class ProviderListing(Due, Base):
    """When everything of ours at a provider is listed again, and what the last listing told.

    It is a row of its own, because a provider's is due for its probes alone. `read_at` is when the
    provider was listed last, `found` what was counted then (`drift.compare.Findings.counts`).
    """

    __tablename__ = "listings"
    __table_args__ = (due_index("listings"),)
    kind = "listing"

    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"), unique=True)
    read_at: Mapped[datetime | None]
    found: Mapped[dict[str, Any]] = mapped_column(default=dict)

    provider: Mapped[Provider] = relationship()
