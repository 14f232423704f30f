"""The tables of budgets and approvals."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cloudhands.common.db import Base
from cloudhands.common.work import Due, due_index


class Budget(Due, Base):
    """What an organisation may spend in a calendar month (UTC), on all its clouds together.

    `amount` is in whole units of the settings' currency; a change of it stands in the
    organisation's history. `spent_cents` is what the month's use had cost at `spent_at`, in
    hundredths, reckoned again by cloud-burst every hour (`spending`).
    """

    __tablename__ = "budgets"
    __table_args__ = (due_index("budgets"), CheckConstraint("amount >= 0", name="amount"))
    kind = "budget"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), unique=True)
    amount: Mapped[int]
    spent_cents: Mapped[int] = mapped_column(BigInteger, default=0)
    spent_at: Mapped[datetime | None]


class Approval(Base):
    """An appliance's leave to use a public cloud, asked for and perhaps given.

    It holds for one generation of the appliance: another try is asked for again. `terms` is what
    the administrator was asked, in words. `approved_at` is None until it is given; history tells
    by whom.
    """

    __tablename__ = "approvals"
    __table_args__ = (UniqueConstraint("appliance_id", "generation", "provider_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    appliance_id: Mapped[int] = mapped_column(ForeignKey("appliances.id"))
    generation: Mapped[int]
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    terms: Mapped[str]
    asked_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
