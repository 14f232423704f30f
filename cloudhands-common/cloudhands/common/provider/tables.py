"""The tables of providers and subscriptions."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cloudhands.common.db import Base
from cloudhands.common.limits import Limited
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.work import DueLater, due_index


class Provider(DueLater, Base):
    """What happened to a cloud; the settings define it, under the same name.

    While it is paused nothing there is called, for the reason `problem`. `pause_ends` says what
    ends that: a `probe` that goes well, for which the row is due, or the `operator` alone; empty
    while it works. `since` is when it was last paused or resumed.

    `capabilities` is what its adapter says that it can do (`cloud.Capabilities`), as cloud-burst
    wrote it down when it was started last; empty before it ever was.
    """

    __tablename__ = "providers"
    __table_args__ = (due_index("providers"),)
    kind = "provider"

    name: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(default="working", server_default="working")
    problem: Mapped[str] = mapped_column(default="", server_default="")
    pause_ends: Mapped[str] = mapped_column(
        CheckConstraint("pause_ends IN ('', 'probe', 'operator')", name="pause_ends"),
        default="",
        server_default="",
    )
    since: Mapped[datetime | None]

    @property
    def paused(self) -> str:
        """Why nothing there is called now; empty while it works."""
        return self.problem if self.state == "paused" else ""

    capabilities: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")


class Subscription(DueLater, Limited, Base):
    """An organisation's use of a provider.

    `priority`: the lowest is tried first. `overflow` is the consent to a public cloud.
    `full_until`: until when it is remembered that the cloud had no room, or no quota left, for
    this organisation; what it has for another may differ. `addresses_full_until` is the same for
    addresses that are reached from outside, and concerns only who wants one. A share of its limits
    is reserved with the placement, and given back when the server is gone.

    `problem` is why it cannot be used, or what of the catalogue is missing there, in plain words.
    `quota` is what the cloud said of its own limits at `read_at`: by the names of
    `limits.Amounts`, how much is `used` and what the `limit` is.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        UniqueConstraint("organisation_id", "provider_id"),
        due_index("subscriptions"),
        CheckConstraint("overflow IN ('never', 'ask', 'auto')", name="overflow"),
    )
    kind = "subscription"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    priority: Mapped[int]
    overflow: Mapped[str]
    state: Mapped[str]
    full_until: Mapped[datetime | None]
    addresses_full_until: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(default="", server_default="")
    quota: Mapped[dict[str, Any] | None]
    read_at: Mapped[datetime | None]

    organisation: Mapped[Organisation] = relationship()
    provider: Mapped[Provider] = relationship()
