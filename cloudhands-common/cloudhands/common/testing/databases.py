"""Databases that last no longer than a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event

from cloudhands.common.db import Database, opened

SECRET = bytes(range(32))
"""What tests write history with."""


def put_key(file: Path) -> None:
    """Put the secret where a program looks for it that shall work on a test's database."""
    file.write_text(f"{SECRET.hex()}\n", encoding="ascii")


@contextmanager
def short_lived(url: str) -> Iterator[Database]:
    """An open database that need not survive a power cut: SQLite does not wait for the disk.

    PostgreSQL's server for tests does not wait either (`postgresql`).
    """
    with opened(url, SECRET) as database:
        if database.is_sqlite:
            event.listen(database.engine, "connect", _do_not_wait)
        yield database


def _do_not_wait(connection: Any, record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF").close()
