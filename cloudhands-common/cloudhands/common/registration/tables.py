"""The table of registrations."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from cloudhands.common.actor.tables import User
from cloudhands.common.db import Base
from cloudhands.common.mail.addresses import mail_key
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.work import Due, due_index

OPEN = ("invited", "confirmed", "detailed", "published")
_IS_OPEN = text(f"state IN ({', '.join(map(repr, OPEN))})")
_HAS_UID = text("uid IS NOT NULL AND state IN ('detailed', 'published')")


class Registration(Due, Base):
    """A person on the way to an account, and to a role in an organisation if one is named.

    One open registration for a mail address (`mail_key`), and one for a uid. `nonce` is fresh at
    each invitation and when it has been used; a link is derived from it with the server's secret,
    so that nothing here is worth anything to whoever reads it. `key` is the person's first SSH key
    until it becomes the user's.
    """

    __tablename__ = "registrations"
    __table_args__ = (
        due_index("registrations"),
        Index(
            "uq_registrations_open_mail_key",
            "mail_key",
            unique=True,
            sqlite_where=_IS_OPEN,
            postgresql_where=_IS_OPEN,
        ),
        Index(
            "uq_registrations_open_uid",
            "uid",
            unique=True,
            sqlite_where=_HAS_UID,
            postgresql_where=_HAS_UID,
        ),
        CheckConstraint("role IN ('member', 'admin')", name="role"),
    )
    kind = "registration"

    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    role: Mapped[str]
    mail: Mapped[str]
    mail_key: Mapped[str]
    state: Mapped[str]
    nonce: Mapped[str]
    expires_at: Mapped[datetime]
    uid: Mapped[str | None]
    name: Mapped[str | None]
    key: Mapped[str | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    uid_number: Mapped[int | None] = mapped_column(ForeignKey("uid_numbers.number"))

    organisation: Mapped[Organisation | None] = relationship()
    user: Mapped[User | None] = relationship()

    @validates("mail")
    def _keep_mail_key(self, name: str, value: str) -> str:
        self.mail_key = mail_key(value)
        return value

    @property
    def is_open(self) -> bool:
        """Whether it may still lead to an account."""
        return self.state in OPEN
