"""`cloud-admin db move`: from SQLite to PostgreSQL, and back to using the old database."""

import argparse
import os
import sys
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from cloudhands.common import clock, moved, schema, service
from cloudhands.common.db import explained, opened
from cloudhands.common.errors import ConfigurationError, DatabaseError
from cloudhands.common.settings import MOVE_VARIABLE, masking
from cloudhands.ops import moving
from cloudhands.ops.admin.operation import answer
from cloudhands.ops.admin.parsing import Commands, command

STILL = "\x1b[K"  # the rest of a terminal's line is cleared


def add_to(place: Commands) -> None:
    """Add the command to its group."""
    moves = command(
        place,
        "move",
        "Move every row from SQLite to an empty PostgreSQL database; the programs must be stopped.",
        move,
    )
    ways = moves.add_mutually_exclusive_group()
    ways.add_argument(
        "url",
        nargs="?",
        metavar="URL",
        help="where to: postgresql://USER@HOST/NAME, without a password; "
        f"${MOVE_VARIABLE} may hold one with a password",
    )
    ways.add_argument(
        "--to-file", type=Path, metavar="FILE", help="the URL is the file's first line"
    )
    ways.add_argument(
        "--undo",
        action="store_true",
        help="go on with the old database; what was written in the new one stays there",
    )
    moves.add_argument(
        "--force", action="store_true", help="also while a program seems to use the database"
    )


def move(options: argparse.Namespace) -> None:
    """Move the rows, or take back that they were moved.

    :raises Conflict: if programs are at work, or the target has tables.
    :raises ConfigurationError: if one of the databases cannot be used or none is named.
    """
    if options.undo:
        _undo(options)
        return
    settings = service.read_settings(options)
    url = _target(options)
    with opened(settings.database_url) as source, opened(url) as target:
        old, new = source.address, target.address
        key_file = settings.path(settings.key_file)
        try:
            held = moving.move(
                source, key_file, target, clock.now(), telling(), force=options.force
            )
        finally:
            if sys.stderr.isatty():
                print(f"\r{STILL}", end="", file=sys.stderr, flush=True)
    rows = sum(content.rows for content in held.values())
    answer(
        options,
        {"from": old, "to": new, "rows": {name: content.rows for name, content in held.items()}},
        f"Moved {rows:,} rows of {len(held)} tables from {old} to {new}; both hold the same.",
        f"{old} is kept, and refused from now on (cloud-admin db move --undo).",
        "Next: set database.url to the new one, then start the programs.",
    )


def _undo(options: argparse.Namespace) -> None:
    with opened(service.read_settings(options).database_url) as database, explained(database):
        if misfit := schema.state(database).misfit:
            raise DatabaseError(misfit)
        with database.writing() as session:
            where = moved.unmark(session)
        address = database.address
    said = (
        f"{address} is used again. What was written at {where} since the move is not in it."
        if where
        else f"{address} was not moved: nothing changed."
    )
    answer(options, {"database": address, "was_moved_to": where}, said)


def _target(options: argparse.Namespace) -> str:
    """The URL to move to."""
    if options.url:
        _refuse_password(options.url)
    url, source = _named(options)
    try:
        backend = make_url(url).get_backend_name()
    except ArgumentError:
        backend = ""
    if not backend:
        raise ConfigurationError(
            f"{source} does not name a database: write postgresql://USER@HOST/NAME"
        )
    if backend not in ("postgresql", "postgres"):
        raise ConfigurationError(
            f"{source} names a database of {backend}: rows are moved to postgresql://USER@HOST/NAME"
        )
    return url


def _named(options: argparse.Namespace) -> tuple[str, str]:
    """A URL, and where it stands."""
    if options.url:
        return options.url, "URL"
    if options.to_file:
        return _first_line(options.to_file), str(options.to_file)
    if url := os.environ.get(MOVE_VARIABLE, "").strip():
        return url, f"${MOVE_VARIABLE}"
    raise ConfigurationError(
        f"where to? Name an empty PostgreSQL database: URL, --to-file FILE or ${MOVE_VARIABLE}"
    )


def _refuse_password(url: str) -> None:
    if masking.masked(("database", "url"), url) != url:
        raise ConfigurationError(
            "URL: everybody on this machine can read a password on a command line. Put the URL "
            f"into a file (--to-file FILE) or into ${MOVE_VARIABLE}"
        )


def _first_line(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as lines:
            return lines.readline().strip()
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is no text: its first line has to be the URL") from error


def telling() -> moving.Tell:
    """Tells how far it is: on a terminal in one line, elsewhere not at all."""
    if not sys.stderr.isatty():
        return lambda table, done, total: None

    def tell(table: str, done: int, total: int) -> None:
        print(f"\r{done:,} of {total:,} rows: {table}{STILL}", end="", file=sys.stderr, flush=True)

    return tell
