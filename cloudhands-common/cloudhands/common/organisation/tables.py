"""The table of organisations."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from cloudhands.common.db import Artifact, Base
from cloudhands.common.limits import Limited


class Organisation(Artifact, Limited, Base):
    """A tenancy. Its share is reserved with a request, and given back with a confirmed end.

    `locations` are those of the settings' providers where its data may lie; empty for anywhere.
    """

    __tablename__ = "organisations"
    kind = "organisation"

    name: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    locations: Mapped[list[Any]] = mapped_column(default=list, server_default=text("'[]'"))
