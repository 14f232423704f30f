"""Backups of the database while it is in use, and their restoration as a whole or not at all.

`sqlite` and `postgresql` know how; this module is what `cloud-admin db` calls.
"""

import os
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from cloudhands.common.db import Database
from cloudhands.common.errors import Conflict, DatabaseError
from cloudhands.ops.backup import postgresql, sqlite


def backup(database: Database, file: Path, *, force: bool = False) -> int:
    """Write a backup of a live database; the file is there when it is whole, and not before.

    :param force: replace a file that is there.
    :returns: its size in bytes.
    :raises Conflict: if the file is there.
    :raises DatabaseError: if the database cannot be read or the file not written.
    """
    if database.is_sqlite and _touches(sqlite.files(database), file):
        raise Conflict(f"{file} is the database itself, or SQLite's: name another file")
    if file.exists() and not force:
        raise Conflict(f"{file} is there already: name another file, or add --force")
    try:
        size = _written(_kind(database).dump, database, file)
    except OSError as error:
        raise DatabaseError(f"{file} cannot be written: {error.strerror}") from error
    return size


def restore(database: Database, file: Path) -> None:
    """Put a backup in the place of whatever is in the database; cloud-burst then only observes.

    :raises DatabaseError: if the backup cannot be read, is damaged or of a newer release; the
        database is then as it was.
    """
    if not file.is_file():
        raise DatabaseError(f"{file} is not there, or is no file")
    _kind(database).load(database, file)


class _Kind(NamedTuple):
    dump: Callable[[Database, Path], None]
    load: Callable[[Database, Path], None]


def _kind(database: Database) -> _Kind:
    if database.is_sqlite:
        return _Kind(sqlite.dump, sqlite.load)
    return _Kind(postgresql.dump, postgresql.load)


def _written(dump: Callable[[Database, Path], None], database: Database, file: Path) -> int:
    part = _part(file)
    with suppress(FileNotFoundError):
        part.unlink()  # of a backup that was killed
    try:
        # Hashes of passwords and people's addresses are in it.
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        dump(database, part)
        _settle(part)
        size = part.stat().st_size
        part.replace(file)
        _settle(file.parent)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
    return size


def _part(file: Path) -> Path:
    return file.with_name(f"{file.name}.part")


def _touches(files: Collection[Path], file: Path) -> bool:
    """Whether writing a backup would overwrite one of these."""
    return not {file.resolve(), _part(file).resolve()}.isdisjoint(files)


def _settle(path: Path) -> None:
    """Wait until a file, or a folder's list of files, is on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
