"""The table of organisations."""

from sqlalchemy.orm import Mapped, mapped_column

from cloudhands.common.db import Artifact, Base
from cloudhands.common.limits import Limited


class Organisation(Artifact, Limited, Base):
    """A tenancy. Its share is reserved with a request, and given back with a confirmed end."""

    __tablename__ = "organisations"
    kind = "organisation"

    name: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
