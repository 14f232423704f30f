"""Which revisions of the database this release knows, and which one a database has.

Every program asks for them when it starts. So they are read without Alembic, whose import would
be a good part of that start; what runs the migrations is in `migrating`.
"""

from collections.abc import Sequence
from functools import cache
from importlib import resources

from sqlalchemy import Connection, inspect, text


@cache
def known() -> Sequence[str]:
    """The revisions, oldest first: a migration's file is named for its own, a number."""
    folder = resources.files("cloudhands.common") / "migrations" / "versions"
    names = [file.name for file in folder.iterdir() if file.name.endswith(".py")]
    return tuple(sorted(number for name in names if (number := name[:4]).isdecimal()))


def newest() -> str:
    """The newest revision that this code knows."""
    return known()[-1]


def current(connection: Connection) -> str | None:
    """The revision that a database has; None if it has no tables yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found
