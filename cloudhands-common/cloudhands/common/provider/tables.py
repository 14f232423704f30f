"""The tables of providers and subscriptions."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cloudhands.common.db import Artifact, Base
from cloudhands.common.limits import Limited
from cloudhands.common.organisation.tables import Organisation


class Provider(Artifact, Base):
    """What happened to a cloud; the settings define it, under the same name.

    `capabilities` is what its adapter says that it can do (`cloud.Capabilities`), as cloud-burst
    wrote it down when it was started last; empty before it ever was.
    """

    __tablename__ = "providers"
    kind = "provider"

    name: Mapped[str] = mapped_column(unique=True)
    capabilities: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")


class Subscription(Artifact, Limited, Base):
    """An organisation's use of a provider.

    `priority`: the lowest is tried first. `overflow` is the consent to a public cloud.
    `full_until`: until when it is remembered that the cloud had no room, or no quota left, for
    this organisation; what it has for another may differ. A share of its limits is reserved with
    the placement, and given back when the server is gone.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        UniqueConstraint("organisation_id", "provider_id"),
        CheckConstraint("overflow IN ('never', 'ask', 'auto')", name="overflow"),
    )
    kind = "subscription"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    priority: Mapped[int]
    overflow: Mapped[str]
    state: Mapped[str]
    full_until: Mapped[datetime | None]

    organisation: Mapped[Organisation] = relationship()
    provider: Mapped[Provider] = relationship()
