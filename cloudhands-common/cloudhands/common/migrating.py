"""Runs the migrations: all that needs Alembic is here.

Nothing imports it but the functions of `schema` that use it, when they are called.
"""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData


def migrate(connection: Connection, secret: bytes | None, to: str = "head") -> None:
    """Bring a database to a revision, in the caller's writing transaction.

    :param secret: what history is sealed with that is not yet.
    :param to: the revision.
    """
    command.upgrade(_config(connection, secret), to)


def scripts() -> ScriptDirectory:
    """The migrations."""
    return ScriptDirectory.from_config(_config(None))


def oldest_code_after(found: str | None) -> str | None:
    """The newest revision that code has to know once every migration has run.

    :param found: the database's revision; None for one without tables.
    :returns: None if none of them changes what code has to know.
    """
    pending = [script for script in scripts().walk_revisions() if script.revision > (found or "")]
    raised = [getattr(script.module, "oldest_code", None) for script in pending]
    return max((one for one in raised if one), default=None)


def lacking(connection: Connection, metadata: MetaData) -> Sequence[str]:
    """What the tables of the code have and a database has not, a line for each."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    found = [str(one) for one in compare_metadata(context, metadata)]
    return [one for one in found if not one.startswith("('remove_")]


def _config(connection: Connection | None, secret: bytes | None = None) -> Config:
    folder = resources.files("cloudhands.common") / "migrations"
    config = Config(attributes={"connection": connection, "secret": secret})
    config.set_main_option("script_location", str(Path(str(folder))))
    config.set_main_option("path_separator", "os")
    return config
