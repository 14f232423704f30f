"""Backups of an SQLite database: another SQLite database.

Both ways go through SQLite's online backup: it takes a moment's state while others write, and what
it writes is one transaction, so that whoever is killed in the middle leaves the old state.
"""

import sqlite3
import tempfile
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from cloudhands.common import moved, observing, schema
from cloudhands.common.db import Database, explained, opened
from cloudhands.common.errors import DatabaseError


def dump(database: Database, file: Path) -> None:
    """Copy a database, which may be in use, into a file."""
    source = _file(database)
    with _explained(source), _reading(source) as live, closing(sqlite3.connect(file)) as copy:
        live.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without the ones beside it
    _check(file)


def files(database: Database) -> Collection[Path]:
    """The files that a database is made of."""
    file = _file(database).resolve()
    return {file.with_name(f"{file.name}{end}") for end in ("", "-wal", "-shm", "-journal")}


def load(database: Database, file: Path) -> None:
    """Copy a file into a database, upgraded and set to observe before anybody sees it."""
    _check(file)
    target = _file(database)
    # Beside it, where there has to be room for it anyway.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".restore-") as folder:
        copy = Path(folder) / "copy.db"
        with _explained(file), _reading(file) as source, closing(sqlite3.connect(copy)) as made:
            source.backup(made)
        _prepare(copy, file, database.secret)
        if _is_damaged(target):
            _replace(target, copy)
        else:
            _overwrite(target, copy)


def _file(database: Database) -> Path:
    return Path(str(database.engine.url.database))


def _prepare(copy: Path, file: Path, secret: bytes | None) -> None:
    with opened(f"sqlite:///{copy}", secret) as prepared, explained(prepared):
        if trouble := _upgraded(prepared):
            raise DatabaseError(f"{file}: {trouble}")
        if missing := schema.lacking(prepared):
            raise DatabaseError(f"{file} is no backup of cloudhands: {missing[0]}")
        with prepared.writing() as session:
            observing.begin(session)
            moved.unmark(session)  # whoever restores it means to use it here


def _upgraded(database: Database) -> str:
    try:
        with explained(database):
            return schema.upgradable(database)
    except DatabaseError as error:
        return f"it cannot be brought to this release. {error}"


def _is_damaged(file: Path) -> bool:
    """Whether SQLite can do nothing with a file, so that nobody can be at work in it."""
    try:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA quick_check(1)").fetchall()
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    except sqlite3.DatabaseError as error:
        return error.sqlite_errorcode in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
    return False


def _replace(target: Path, copy: Path) -> None:
    """Put the copy where a damaged file is, which is kept beside it."""
    with closing(sqlite3.connect(copy)) as made:
        made.execute("PRAGMA journal_mode=DELETE")
    for end in ("-wal", "-shm", ""):
        part = target.with_name(f"{target.name}{end}")
        if part.exists():
            part.replace(target.with_name(f"{target.name}.damaged{end}"))
    copy.chmod(0o640)
    copy.replace(target)


def _overwrite(target: Path, copy: Path) -> None:
    with (
        _explained(target),
        closing(sqlite3.connect(copy, isolation_level=None)) as made,
        closing(sqlite3.connect(target, timeout=10)) as live,
    ):
        ((size,),) = live.execute("PRAGMA page_size").fetchall()
        # In WAL mode a database keeps its page size, and no other one's pages fit.
        made.execute("PRAGMA journal_mode=DELETE")
        made.execute(f"PRAGMA page_size={int(size)}")
        made.execute("VACUUM")
        made.backup(live)


@contextmanager
def _reading(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as connection:
        yield connection


def _check(file: Path) -> None:
    """Refuse a file that is cut short, damaged or no database."""
    with _explained(file), _reading(file) as connection:
        ((pages,),) = connection.execute("PRAGMA page_count")
        ((size,),) = connection.execute("PRAGMA page_size")
        if file.stat().st_size < pages * size:
            raise DatabaseError(f"{file} is damaged: it is cut short")
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
