"""The tables of appliances and their nodes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cloudhands.common.actor.tables import User
from cloudhands.common.catalogue.queries import amounts
from cloudhands.common.db import Base
from cloudhands.common.limits import Amounts, larger
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.tables import Provider
from cloudhands.common.work import Due, due_index

# Written out in queries too: a planner knows a partial index by its words.
PRESENT = "state <> 'deleted'"
EXPIRING = "expires_at IS NOT NULL"
LIVING = "ended_at IS NULL AND abandoned_at IS NULL"


class Appliance(Due, Base):
    """A launched catalogue item.

    `goal` is what a person wants; only cloud-burst moves `state`. `definition` is the item as
    it was when launched. `problem` is temporary trouble in plain words, empty when there is
    none. `generation` rises with every retry, and `seen_generation`, which only cloud-burst
    moves, is the one that `state` tells of. `seen_size` is the size that its server has, which
    only cloud-burst moves, too: while it differs from `size` the server is to be resized.
    `reboots_wanted` rises with every reboot that is asked for; cloud-burst brings `reboots_done`
    level before it calls the cloud. `placement` holds what `Choice.as_json` says: every
    candidate and its reason. `expires_at` is until when it is wanted, None if for ever;
    `expired_at`, which only cloud-burst sets, is when that was over: it does not run any more.
    `setup` is how far its machine's own set-up is (`appliance.setup`), since `setup_at`;
    `setup_log` are the last lines that the machine reported.
    """

    __tablename__ = "appliances"
    __table_args__ = (
        due_index("appliances"),
        Index(
            "ix_appliances_organisation_id_present",
            "organisation_id",
            "id",
            sqlite_where=text(PRESENT),
            postgresql_where=text(PRESENT),
        ),
        Index(
            "ix_appliances_owner_id_expiring",
            "owner_id",
            "expires_at",
            sqlite_where=text(EXPIRING),
            postgresql_where=text(EXPIRING),
        ),
        CheckConstraint("goal IN ('running', 'stopped', 'deleted')", name="goal"),
    )
    kind = "appliance"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    label: Mapped[str]
    size: Mapped[str]
    definition: Mapped[dict[str, Any]]
    authorized_keys: Mapped[list[Any]]
    goal: Mapped[str]
    state: Mapped[str]
    problem: Mapped[str] = mapped_column(default="")
    generation: Mapped[int] = mapped_column(default=1)
    seen_generation: Mapped[int] = mapped_column(default=1)
    provider_id: Mapped[int | None] = mapped_column(ForeignKey("providers.id"))
    seen_size: Mapped[str | None]
    reboots_wanted: Mapped[int] = mapped_column(default=0, server_default="0")
    reboots_done: Mapped[int] = mapped_column(default=0, server_default="0")
    placement: Mapped[list[Any]] = mapped_column(default=list)
    expires_at: Mapped[datetime | None]
    expired_at: Mapped[datetime | None]
    setup: Mapped[str] = mapped_column(
        CheckConstraint("setup IN ('', 'booting', 'ready', 'failed')", name="setup"),
        default="",
        server_default="",
    )
    setup_log: Mapped[str] = mapped_column(default="", server_default="")
    setup_at: Mapped[datetime | None]

    organisation: Mapped[Organisation] = relationship()
    owner: Mapped[User] = relationship()
    provider: Mapped[Provider | None] = relationship()
    nodes: Mapped[list["Node"]] = relationship(back_populates="appliance")

    @property
    def share(self) -> Amounts:
        """What it takes of its organisation's limits, until it is deleted.

        While it is resized that is enough for either size.
        """
        wanted = amounts(self.definition, self.size)
        return larger(wanted, amounts(self.definition, self.seen_size or self.size))

    @property
    def to_be_resized(self) -> bool:
        """Whether its server has another size than it shall have."""
        return self.seen_size not in (None, self.size)

    @property
    def facts(self) -> Mapping[str, Any]:
        """Where it is and how big, in every row of history: use is metered from there."""
        return {"provider": self.provider_id, "size": self.seen_size}


class Node(Base):
    """A server at a cloud, written down before it is asked for.

    `server_id` is None until the cloud has told it; `ended_at` is None while the node lives.
    `asked_at` is written before the cloud is asked for the server, and taken back if it refuses:
    for a while from then on a server that the cloud does not show may still come to be seen.
    `ending_at` is when the cloud took the call to delete it. `failure` is why its server could not
    be built, in the cloud's words, and `full` whether that was for want of room: then it is ended,
    and another node follows.

    `abandoned_at` is when an operator gave it up, since the cloud neither confirms nor deletes its
    server: from then on it is not the living node any more, but has not ended either. It keeps its
    addresses, and `share`, which it has of the limits, until it is written off.
    """

    __tablename__ = "nodes"
    __table_args__ = (
        Index(
            "uq_nodes_living",
            "appliance_id",
            unique=True,
            sqlite_where=text(LIVING),
            postgresql_where=text(LIVING),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    # By it SQLAlchemy knows which is which of many that it writes in one statement.
    uuid: Mapped[UUID] = mapped_column(unique=True, default=uuid4, insert_sentinel=True)
    appliance_id: Mapped[int] = mapped_column(ForeignKey("appliances.id"), index=True)
    generation: Mapped[int]
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    server_id: Mapped[str | None]
    made_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    ending_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    failure: Mapped[str] = mapped_column(default="", server_default="")
    full: Mapped[bool] = mapped_column(default=False, server_default=false())
    abandoned_at: Mapped[datetime | None]
    share: Mapped[dict[str, Any] | None]

    appliance: Mapped[Appliance] = relationship(back_populates="nodes")
    provider: Mapped[Provider] = relationship()
