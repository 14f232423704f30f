"""`cloud-admin db`: the database."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cloudhands.common import opening, schema, service, tokens
from cloudhands.common.db import Database, explained, opened
from cloudhands.common.errors import ConfigurationError, Conflict, DatabaseError
from cloudhands.ops import backup
from cloudhands.ops.admin import moving
from cloudhands.ops.admin.operation import answer
from cloudhands.ops.admin.parsing import Commands, command, group
from cloudhands.ops.moving import verification


def add_commands(groups: Commands) -> None:
    """Add this group."""
    place = group(groups, "db", "the database")
    command(place, "upgrade", "Make the tables, or bring them to this release.", upgrade)
    command(place, "current", "Show which revision the database has.", current)
    command(place, "check", "Check that the database is whole and fits this release.", check)
    saved = command(place, "backup", "Write a backup while the programs run.", save)
    saved.add_argument("--to", type=Path, required=True, metavar="FILE", help="the backup")
    saved.add_argument("--force", action="store_true", help="replace a FILE that is there")
    restored = command(
        place,
        "restore",
        "Put a backup in the database's place; cloud-burst then only observes.",
        restore,
    )
    restored.add_argument("file", type=Path, metavar="FILE", help="the backup")
    restored.add_argument(
        "--force", action="store_true", help="also where there is a database: it is lost"
    )
    moving.add_to(place)


def upgrade(options: argparse.Namespace) -> None:
    """Bring the database to the newest revision; harmless when it is there.

    :raises DatabaseError: if it cannot be reached or written.
    """
    with _database(options) as (database, where):
        revision = opening.upgrade(database, _key_file(options))
    answer(
        options,
        {"database": where, "revision": revision},
        f"The database {where} is at revision {revision}.",
        "Next: cloud-admin catalogue load; cloud-admin user create; cloud-admin org create.",
    )


def current(options: argparse.Namespace) -> None:
    """Show the database's revision beside this release's.

    :raises DatabaseError: if it cannot be reached.
    """
    with _database(options) as (database, where):
        found = schema.state(database)
    answer(
        options,
        {
            "database": where,
            "revision": found.revision,
            "newest": found.newest,
            "oldest_code": found.oldest_code,
            "oldest_code_after": schema.oldest_code_after(found),
            "usable": not found.trouble,
        },
        f"The database {where} is at revision {found.revision or 'none'}.",
        f"This release knows {found.newest}; "
        f"the database asks for {found.oldest_code or found.newest} at least.",
        f"Next: {found.trouble}." if found.trouble else "This release runs on it.",
    )


def check(options: argparse.Namespace) -> None:
    """Look for damage, and for tables that are not what this release's migrations make.

    :raises DatabaseError: with a line for each thing that is wrong.
    """
    with _database(options) as (database, where):
        schema.check(database)
        found = schema.state(database)
        with database.reading() as session:
            wrong = list(verification.faults(session))
        if found.revision == found.newest:
            wrong += [
                f"not as the migrations make it: {one}" for one in schema.differences(database)
            ]
    if wrong:
        raise DatabaseError("\n".join([f"the database {where} is not right:", *wrong]))
    answer(
        options,
        {"database": where, "revision": found.revision},
        f"The database {where} is whole, and at revision {found.revision}.",
    )


def save(options: argparse.Namespace) -> None:
    """Write a backup.

    :raises Conflict: if the file is there.
    :raises DatabaseError: if the database cannot be read or the file not written.
    """
    with _database(options) as (database, where):
        if schema.state(database).revision is None:
            raise DatabaseError(f"there are no tables of cloudhands in {where}: is state right?")
        size = backup.backup(database, options.to, force=options.force)
    answer(
        options,
        {"database": where, "file": str(options.to), "bytes": size},
        f"{options.to} holds {where} as it was when this began: {size:,} bytes.",
        "Next: keep it elsewhere, and the key file in another place; "
        f"cloud-admin db restore {options.to} puts it back.",
    )


def restore(options: argparse.Namespace) -> None:
    """Restore a backup.

    :raises Conflict: if there is a database already.
    :raises DatabaseError: if the backup is not whole or of a newer release.
    """
    with _database(options) as (database, where):
        if not options.force and schema.state(database).revision:
            raise Conflict(
                f"there is a database at {where}: what is in it would be lost. Stop the programs, "
                "back it up, then add --force"
            )
        key_file = _key_file(options)
        with suppress(FileNotFoundError):
            # Seals an older release's history.
            database.secret = tokens.read_secret(key_file, make=False)
        backup.restore(database, options.file)
        revision = schema.state(database).revision
        warning = _other_key(database, key_file)
    answer(
        options,
        {"database": where, "revision": revision, "observing": True, "warning": warning},
        f"The database {where} is what {options.file} holds, at revision {revision}.",
        *([f"But {warning}."] if warning else []),
        "cloud-burst only observes. Next: compare with the clouds, then cloud-admin burst resume.",
    )


def _key_file(options: argparse.Namespace) -> Path:
    settings = service.read_settings(options)
    return settings.path(settings.key_file)


def _other_key(database: Database, key_file: Path) -> str:
    """What is wrong with the key file for what was restored; empty if nothing is."""
    try:
        opening.give_secret(database, key_file)
    except ConfigurationError as error:
        return str(error)
    return ""


@contextmanager
def _database(options: argparse.Namespace) -> Iterator[tuple[Database, str]]:
    """The settings' database, and its address without a password."""
    with opened(service.read_settings(options).database_url) as database, explained(database):
        yield database, database.address
