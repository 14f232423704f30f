"""The ceiling: a bare pool of threads that makes a launch's calls, and commits a row after each."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

TABLE = "CREATE TABLE calls (id INTEGER PRIMARY KEY, launch INTEGER, call INTEGER)"
INSERT = "INSERT INTO calls (launch, call) VALUES ({0}, {0})"

Write = Callable[[int, int], None]


class Ceiling:
    """Makes launches as quickly as calls and commits let anybody.

    :param write: commits a row, in whichever thread.
    :param latency: of each call, in seconds.
    :param calls: of each launch.
    """

    def __init__(self, write: Write, threads: int, latency: float, calls: int) -> None:
        self._write = write
        # For all rates: a thread of PostgreSQL's has a connection, which is not measured.
        self._pool = ThreadPoolExecutor(threads)
        self._latency = latency
        self._calls = calls

    def rate(self, launches: int) -> float:
        """How many launches it makes a second."""
        started = time.perf_counter()
        list(self._pool.map(self._launch, range(launches)))
        return launches / (time.perf_counter() - started)

    def _launch(self, number: int) -> None:
        for call in range(self._calls):
            time.sleep(self._latency)
            self._write(number, call)


@contextmanager
def on_sqlite(folder: Path) -> Iterator[Write]:
    """Commits to a file, as durable as ours; writers take turns, which is the quickest."""
    connection = sqlite3.connect(
        folder / "ceiling.db", check_same_thread=False, isolation_level=None
    )
    connection.execute("PRAGMA journal_mode=WAL").close()
    connection.execute("PRAGMA synchronous=FULL").close()
    connection.execute(TABLE)
    turn = threading.Lock()

    def write(launch: int, call: int) -> None:
        with turn:
            connection.execute(INSERT.format("?"), (launch, call))

    try:
        yield write
    finally:
        connection.close()


@contextmanager
def on_postgresql(conninfo: str) -> Iterator[Write]:
    """Commits to a server, with a connection for each thread."""
    serial = TABLE.replace("INTEGER PRIMARY KEY", "BIGSERIAL PRIMARY KEY")
    local, opened = threading.local(), []
    with psycopg.connect(conninfo, autocommit=True) as first:
        first.execute(serial)

    def write(launch: int, call: int) -> None:
        connection: psycopg.Connection[Any] | None = getattr(local, "connection", None)
        if connection is None:
            connection = local.connection = psycopg.connect(conninfo, autocommit=True)
            opened.append(connection)
        connection.execute(INSERT.format("%s"), (launch, call))

    try:
        yield write
    finally:
        for each in opened:
            each.close()
