"""The tables of actors."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, ForeignKey, Index, false, text
from sqlalchemy.orm import Mapped, mapped_column, validates

from cloudhands.common.append_only import append_only
from cloudhands.common.db import Artifact, Base
from cloudhands.common.mail.addresses import mail_key


class Actor(Artifact, Base):
    """Whoever changes something; `name` is what history shows."""

    __tablename__ = "actors"
    kind = "actor"

    kind_of_actor: Mapped[str]
    name: Mapped[str]

    __mapper_args__ = {"polymorphic_on": "kind_of_actor", "polymorphic_abstract": True}


class User(Actor):
    """A person.

    `uid` is what they sign in with. `directory_id` is the directory's immutable id; a person
    known to the directory is identified by it and never by name, uid or DN. `erased_at`: since
    when nothing personal is left of them (`erasure`).

    `mail_key` is a local user's mail address whatever its case: no two have the same one. People of
    the directory may share an address, so theirs is None.
    """

    __tablename__ = "users"
    kind = "user"
    __mapper_args__ = {"polymorphic_identity": "user"}

    id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    uid: Mapped[str] = mapped_column(unique=True)
    mail: Mapped[str]
    directory_id: Mapped[str | None] = mapped_column(unique=True)
    erased_at: Mapped[datetime | None]
    mail_key: Mapped[str | None] = mapped_column(unique=True, index=True)

    @validates("mail", "directory_id")
    def _keep_mail_key(self, name: str, value: str | None) -> str | None:
        after = {"mail": self.mail, "directory_id": self.directory_id, name: value}
        is_local = after["directory_id"] is None
        self.mail_key = mail_key(after["mail"]) if is_local and after["mail"] else None
        return value


class UidNumber(Base):
    """A uidNumber that some user has, or once had: rows are only ever added.

    `user_uuid` is no foreign key: the number outlives the person's row. `allotted`: we chose it,
    the directory had not given it before.
    """

    __tablename__ = "uid_numbers"
    __table_args__ = (
        Index(
            "ix_uid_numbers_allotted",
            "number",
            sqlite_where=text("allotted = 1"),
            postgresql_where=text("allotted"),
        ),
    )

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    user_uuid: Mapped[UUID] = mapped_column(unique=True)
    allotted: Mapped[bool]
    taken_at: Mapped[datetime]


append_only(UidNumber.__table__)


class Component(Actor):
    """A process, or an operator at the command line: known by a fixed name."""

    __tablename__ = "components"
    kind = "component"
    __mapper_args__ = {"polymorphic_identity": "component"}

    id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    component: Mapped[str] = mapped_column(unique=True)


class Installation(Base):
    """The one row that says which cloudhands this is: everything made outside bears its uuid.

    `renames` rises when the name or the uid of any person changes. `observing`: see
    `common.observing`. `key_mark`: see `common.opening`. `moved_to`: see `common.moved`.
    """

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[UUID] = mapped_column(default=uuid4)
    # A migration adds them where there is a row already.
    renames: Mapped[int] = mapped_column(default=0, server_default="0")
    observing: Mapped[bool] = mapped_column(default=False, server_default=false())
    key_mark: Mapped[str | None]
    moved_to: Mapped[str] = mapped_column(default="", server_default="")
