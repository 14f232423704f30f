"""Gathers every table, so that `Base.metadata` is whole; and brings a database up to date.

`migrating` is imported where it is used: what it needs, Alembic, is slow to import, and a program
that starts on a database of its release has no use for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import false, update
from sqlalchemy.engine import Connection

from cloudhands.common import compatibility, idempotency, moved, revisions, structure
from cloudhands.common.account import tables as account
from cloudhands.common.actor import tables as actor
from cloudhands.common.address import tables as address
from cloudhands.common.appliance import tables as appliance
from cloudhands.common.catalogue import tables as catalogue
from cloudhands.common.db import Artifact, Base, Database, explained
from cloudhands.common.errors import DatabaseError
from cloudhands.common.expiry import tables as expiry
from cloudhands.common.history import tables as history
from cloudhands.common.listing import tables as listing
from cloudhands.common.mail import tables as mail
from cloudhands.common.membership import tables as membership
from cloudhands.common.organisation import tables as organisation
from cloudhands.common.placement import tables as placement
from cloudhands.common.provider import tables as provider
from cloudhands.common.registration import tables as registration
from cloudhands.common.work import Due
from cloudhands.common.worker import tables as worker

SUBJECTS = (
    account,
    actor,
    address,
    appliance,
    catalogue,
    compatibility,
    expiry,
    history,
    idempotency,
    listing,
    mail,
    membership,
    organisation,
    placement,
    provider,
    registration,
    worker,
)
METADATA = Base.metadata


def artifacts() -> Sequence[type[Artifact]]:
    """Everything that has a history: a class for each table of it."""
    models = [mapper.class_ for mapper in Base.registry.mappers if mapper.inherits is None]
    found = [model for model in models if issubclass(model, Artifact)]
    return sorted(found, key=lambda model: model.__name__)


def due() -> Sequence[type[Due]]:
    """Everything that a worker takes care of: a class for each table of it."""
    return [model for model in artifacts() if issubclass(model, Due)]


def upgrade(database: Database, to: str = "head") -> str:
    """Bring a database to the newest revision, or an older one, in one transaction.

    :param database: opened with the secret, if it may have history that is yet to be sealed.
    :param to: the revision.
    :returns: the revision that it has now.
    :raises DatabaseError: if it cannot be reached or written, or a newer release has upgraded it.
    """
    with explained(database), database.writing() as session:
        return upgrade_within(session.connection(), database.secret, to)


def upgrade_within(connection: Connection, secret: bytes | None, to: str = "head") -> str:
    """The same on a connection, in the caller's writing transaction."""
    from cloudhands.common import migrating

    found = revisions.current(connection)
    if found and found not in revisions.known():
        raise DatabaseError(
            f"the database is at revision {found}, which this release does not know (it knows "
            f"{revisions.newest()}): a newer release has made it, and there is nothing to upgrade"
        )
    migrating.migrate(connection, secret, to)
    return revisions.current(connection) or ""


@dataclass(frozen=True)
class State:
    """How a database stands to this release.

    :param revision: the database's; None if it has no tables yet.
    :param newest: the newest one that this release knows.
    :param oldest_code: what a release has to know at least; None if the database does not say.
    :param moved_to: where its rows were moved to; empty if they were not.
    """

    revision: str | None
    newest: str
    oldest_code: str | None
    moved_to: str

    @property
    def trouble(self) -> str:
        """Why this release may not run on it, and what to do; empty if it may."""
        if misfit := self.misfit:
            return misfit
        if not self.moved_to:
            return ""
        return (
            f"the rows of this database were moved to {self.moved_to}: set database.url to that "
            "one, or run 'cloud-admin db move --undo' to go on with this one"
        )

    @property
    def misfit(self) -> str:
        """Why this release does not know its tables, and what to do; empty if it does."""
        if self.revision == self.newest:
            return ""
        at = f"the database is at revision {self.revision or 'none'}"
        if self.revision is None or self.revision in revisions.known():
            return f"{at}, this release needs {self.newest}: run 'cloud-admin db upgrade'"
        if not (self.revision.isdecimal() and self.revision > self.newest):
            return f"{at}, which is none of ours: is it a database of cloudhands?"
        if self.oldest_code and self.oldest_code <= self.newest:
            return ""  # migrated by a newer release that has been rolled back
        return (
            f"{at} and needs a release that knows {self.oldest_code or self.revision} at least, "
            f"this one knows {self.newest}: install the newer release again"
        )


def state(database: Database) -> State:
    """How a database stands to this release.

    :raises DatabaseError: if it cannot be reached.
    """
    with explained(database), database.reading() as session:
        connection = session.connection()
        return State(
            revision=revisions.current(connection),
            newest=revisions.newest(),
            oldest_code=compatibility.oldest_code(connection),
            moved_to=moved.where(connection),
        )


def check(database: Database) -> None:
    """Refuse to run on a database that this code does not fit.

    :raises DatabaseError: saying what to do.
    """
    if trouble := state(database).trouble:
        raise DatabaseError(trouble)


def check_writable(database: Database) -> None:
    """The same, for a program that is going to write: also where only reading would go well.

    :raises DatabaseError: saying what to do.
    """
    check(database)
    table = compatibility.Compatibility
    # Changes no row. SQLite begins a transaction also where nothing can be written.
    nothing = update(table).where(false()).values(oldest_code=table.oldest_code)
    with explained(database), database.writing() as session:
        session.execute(nothing)


def upgradable(database: Database) -> str:
    """Bring what may be older to this release.

    :returns: why it cannot be, in words; empty if it has been, or did not need to be.
    """
    found = state(database)
    if found.revision is None:
        return "there are no tables of cloudhands in it"
    if found.revision != found.newest and found.revision in revisions.known():
        upgrade(database)
        return ""
    return found.misfit


def oldest_code_after(found: State) -> str | None:
    """What a release has to know at least once this one has upgraded the database."""
    from cloudhands.common import migrating

    if found.revision == found.newest:
        return found.oldest_code
    return migrating.oldest_code_after(found.revision) or found.oldest_code


def differences(database: Database) -> Sequence[str]:
    """Where an upgraded database is not what the code says, a line for each: also a trigger, a
    check or an index's predicate.

    :raises DatabaseError: if it cannot be reached, or its user may make no schema.
    """
    with explained(database), database.reading() as session:
        connection = session.connection()
        found = structure.read(connection)
        return structure.differences(found, structure.expected(connection, METADATA))


def lacking(database: Database) -> Sequence[str]:
    """What the code needs of tables and columns and does not find, a line for each.

    What a newer release has added is no matter.
    """
    from cloudhands.common import migrating

    with explained(database), database.reading() as session:
        return migrating.lacking(session.connection(), METADATA)
