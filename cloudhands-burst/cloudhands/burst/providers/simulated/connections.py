"""Connections to a simulated cloud's file, kept open between calls: opening costs more than a call.

A connection is one thread's while it is used, and never another process's. One to a file that was
taken away or replaced meanwhile, as a demonstration does that is reset, is not used again.
"""

import fcntl
import os
import sqlite3
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_File = tuple[int, int]
_Opened = tuple[_File, sqlite3.Connection]
_Idle = dict[int, list[_Opened]]


class Connections:
    """The open connections to one file.

    :param file: where it is or shall be; it is made when it is not there.
    :param ensure: makes its tables.
    :param timeout: seconds to wait while others hold the file.
    """

    def __init__(
        self, file: Path, ensure: Callable[[sqlite3.Connection], None], timeout: float
    ) -> None:
        self._file = file
        self._ensure = ensure
        self._timeout = timeout
        # By process: what a fork inherits must be left alone there.
        self._idle: _Idle = {}
        weakref.finalize(self, _close_all, self._idle)

    @contextmanager
    def one(self) -> Iterator[sqlite3.Connection]:
        """A connection for this thread alone, without an open transaction.

        :raises sqlite3.DatabaseError: if the file cannot be used, or is held for too long.
        """
        idle = self._idle.setdefault(os.getpid(), [])
        file, connection = self._taken(idle) or self._opened()
        try:
            yield connection
        except sqlite3.Error:
            connection.close()
            raise
        except BaseException:
            connection.rollback()
            idle.append((file, connection))
            raise
        idle.append((file, connection))

    def _taken(self, idle: list[_Opened]) -> _Opened | None:
        present = self._present()
        while idle:
            try:
                file, connection = idle.pop()
            except IndexError:  # another thread has taken the last one
                return None
            if file == present:
                return file, connection
            connection.close()
        return None

    def _opened(self) -> _Opened:
        if not self._file.exists():
            self._begin()
        connection = sqlite3.connect(
            self._file, timeout=self._timeout, isolation_level=None, check_same_thread=False
        )
        try:
            self._ensure(connection)
            file = self._present()
            if file is None:
                raise sqlite3.OperationalError("the file was taken away")
        except BaseException:
            connection.close()
            raise
        return file, connection

    def _begin(self) -> None:
        """Make an empty file where there is none, without what SQLite kept beside an earlier one.

        Processes that have the earlier one open still go on with theirs.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with _alone(self._file.parent):
            if not self._file.exists():
                for suffix in ("-wal", "-shm"):
                    self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)
                self._file.touch()

    def _present(self) -> _File | None:
        try:
            found = self._file.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _close_all(idle: _Idle) -> None:
    for _, connection in idle.pop(os.getpid(), []):
        connection.close()
