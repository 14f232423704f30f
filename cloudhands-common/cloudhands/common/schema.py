"""Gathers every table, so that `Base.metadata` is whole; and brings a database up to date."""

from importlib import resources
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from cloudhands.common import history, idempotency
from cloudhands.common.account import tables as account
from cloudhands.common.actor import tables as actor
from cloudhands.common.address import tables as address
from cloudhands.common.appliance import tables as appliance
from cloudhands.common.catalogue import tables as catalogue
from cloudhands.common.db import Base, Database, explained
from cloudhands.common.errors import DatabaseError
from cloudhands.common.membership import tables as membership
from cloudhands.common.organisation import tables as organisation
from cloudhands.common.provider import tables as provider

SUBJECTS = (
    account,
    actor,
    address,
    appliance,
    catalogue,
    history,
    idempotency,
    membership,
    organisation,
    provider,
)
METADATA = Base.metadata


def upgrade(database: Database) -> str:
    """Bring a database to the newest revision, in one transaction.

    :returns: the revision that it has now.
    :raises DatabaseError: if it cannot be reached or written.
    """
    with explained(database), database.writing() as session:
        connection = session.connection()
        command.upgrade(_config(connection), "head")
        return _current(connection) or ""


def check(database: Database) -> None:
    """Refuse to run on a database that is not at this code's revision.

    :raises DatabaseError: saying what to run.
    """
    with explained(database), database.reading() as session:
        found = _current(session.connection())
    wanted = newest()
    if found != wanted:
        raise DatabaseError(
            f"the database is at revision {found or 'none'}, this release needs {wanted}: "
            "run 'cloud-admin db upgrade'"
        )


def newest() -> str:
    """The newest revision that this code knows."""
    return ScriptDirectory.from_config(_config(None)).get_current_head() or ""


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection | None) -> Config:
    folder = resources.files("cloudhands.common") / "migrations"
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(str(folder))))
    config.set_main_option("path_separator", "os")
    return config
