"""Backups of an SQLite database: another SQLite database.

Both ways go through SQLite's online backup: it takes a moment's state while others write, and what
it writes is one transaction, so that whoever is killed in the middle leaves the old state.
"""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from cloudhands.common import observing, schema
from cloudhands.common.db import Database, opened
from cloudhands.common.errors import DatabaseError


def dump(database: Database, file: Path) -> None:
    """Copy a database, which may be in use, into a file."""
    source = Path(str(database.engine.url.database))
    with _explained(source), _reading(source) as live, closing(sqlite3.connect(file)) as copy:
        live.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without the ones beside it
    _check(file)


def load(database: Database, file: Path) -> None:
    """Copy a file into a database, upgraded and set to observe before anybody sees it."""
    _check(file)
    target = Path(str(database.engine.url.database))
    # Beside it, where there has to be room for it anyway.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".restore-") as folder:
        copy = Path(folder) / "copy.db"
        with _explained(file), _reading(file) as source, closing(sqlite3.connect(copy)) as made:
            source.backup(made)
        with opened(f"sqlite:///{copy}") as prepared:
            if trouble := schema.upgradable(prepared):
                raise DatabaseError(f"{file}: {trouble}")
            with prepared.writing() as session:
                observing.begin(session)
        with (
            _explained(target),
            closing(sqlite3.connect(copy)) as made,
            closing(sqlite3.connect(target, timeout=10)) as live,
        ):
            made.backup(live)


@contextmanager
def _reading(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as connection:
        yield connection


def _check(file: Path) -> None:
    """Refuse a file that is cut short, damaged or no database."""
    with _explained(file), _reading(file) as connection:
        found = [line for (line,) in connection.execute("PRAGMA integrity_check(3)")]
        if found != ["ok"]:
            raise DatabaseError(f"{file} is damaged: {'; '.join(found)}")


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise DatabaseError(
            f"{file}: {error}. Is it a whole database, and is there room?"
        ) from error
