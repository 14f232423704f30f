"""The file of a simulated cloud: SQLite, shared by every process that opens it.

SQLite locks the file, and a process that is killed in the middle of a change leaves none of it.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloudhands.burst.providers.simulated import schema
from cloudhands.burst.providers.simulated.connections import Connections
from cloudhands.burst.providers.simulated.servers import Servers

# A call may wait for other threads, twice for the file to be made, and for other processes: all of
# these have to end within half a claim.
LOCK_SECONDS = 1.5
WAITS = 4


class Store:
    """The file. It is made when it is used for the first time; safe to share among threads.

    :param file: where it is or shall be.
    :param timeout: seconds to wait while others hold it.
    """

    def __init__(self, file: Path, timeout: float = LOCK_SECONDS) -> None:
        self._connections = Connections(file, schema.ensure, timeout)
        self._timeout = timeout
        # SQLite lets those who wait poll; the threads of one process can do better.
        self._writing = threading.Lock()

    @contextmanager
    def changing(self) -> Iterator[Servers]:
        """The servers, while nobody else changes them; kept unless something is raised.

        :raises sqlite3.DatabaseError: if the file cannot be used, or is held for too long.
        """
        if not self._writing.acquire(timeout=self._timeout):
            raise sqlite3.OperationalError("other threads hold it")
        try:
            with self._connections.one() as connection, connection:
                connection.execute("BEGIN IMMEDIATE")
                yield Servers(connection)
        finally:
            self._writing.release()

    @contextmanager
    def reading(self) -> Iterator[Servers]:
        """The servers as they were last kept.

        :raises sqlite3.DatabaseError: if the file cannot be used, or is held for too long.
        """
        with self._connections.one() as connection, connection:
            connection.execute("BEGIN")
            yield Servers(connection)
