"""The table of organisations."""

from sqlalchemy.orm import Mapped, mapped_column

from cloudhands.common.db import Artifact, Base


class Organisation(Artifact, Base):
    """A tenancy.

    `appliances` counts what is reserved of `appliance_limit`: it rises with the request, by one
    conditional update, and falls when a deletion is confirmed.
    """

    __tablename__ = "organisations"
    kind = "organisation"

    name: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    appliance_limit: Mapped[int]
    appliances: Mapped[int] = mapped_column(default=0)
