"""The table of what was done about the end of an appliance's time."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.db import Base
from cloudhands.common.work import Due, due_index


class Expiry(Due, Base):
    """What was done about the end of an appliance's time; the appliance's history tells of it.

    Only an appliance that expires has one. It is a row of its own, because it is looked at at its
    own times, and under a claim of its own: a reminder waits for no cloud.

    `set_at` is when the present `expires_at` was set. The moments are those at which a mail was
    posted: `reminded_at` with `reminded_days`, how long before the end the reminder was due;
    `announced_at`, that it is stopped; `warned_at`, that it will be deleted. What follows counts
    from them, not from the clock alone, so that a clock that jumps deletes nothing at once.
    """

    __tablename__ = "expiries"
    __table_args__ = (due_index("expiries"),)
    kind = "expiry"

    appliance_id: Mapped[int] = mapped_column(ForeignKey("appliances.id"), unique=True)
    set_at: Mapped[datetime]
    reminded_days: Mapped[int | None]
    reminded_at: Mapped[datetime | None]
    announced_at: Mapped[datetime | None]
    warned_at: Mapped[datetime | None]

    appliance: Mapped[Appliance] = relationship()

    def forget(self) -> None:
        """Begin anew: as if nothing had been done yet."""
        self.reminded_days = self.reminded_at = self.announced_at = self.warned_at = None
