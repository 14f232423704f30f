"""The table of memberships."""

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cloudhands.common.actor.tables import User
from cloudhands.common.db import Artifact, Base
from cloudhands.common.organisation.tables import Organisation


class Membership(Artifact, Base):
    """One person in one organisation, once: an ended one is taken up again, not doubled."""

    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("organisation_id", "user_id"),)
    kind = "membership"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    role: Mapped[str]
    state: Mapped[str]

    organisation: Mapped[Organisation] = relationship()
    user: Mapped[User] = relationship()

    @property
    def is_open(self) -> bool:
        """Whether the person is a member, or may still become one by this."""
        return self.state in ("invited", "accepted", "active")
