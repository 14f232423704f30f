"""A real PostgreSQL for tests and benchmarks, with a database for each of them.

The server listens on a Unix socket in a temporary folder and nowhere else. initdb refuses to be
run by root: then it all belongs to an unprivileged user of the system.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from signal import SIGINT

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from cloudhands.common import schema
from cloudhands.common.db import opened
from cloudhands.common.testing import programs
from cloudhands.common.testing.processes import running

USER = "cloudhands"
TEMPLATE = "upgraded"
PROGRAMS = ("initdb", "postgres")
UNPRIVILEGED = ("postgres", "nobody")
# Debian keeps the programs of each version in a folder of its own, outside everyone's PATH.
FOLDERS = "/usr/lib/postgresql"

# Nothing here has to survive a power cut.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass
class PostgreSQL:
    """A running server.

    :param folder: where its socket is.
    :param pid: its process.
    """

    folder: Path
    pid: int
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def url(self, name: str) -> str:
        """SQLAlchemy's URL of one of its databases."""
        return f"postgresql+psycopg://{USER}@/{name}?host={self.folder}"

    def create(self, template: str = "template1") -> str:
        """Make one more database, as a copy of another; returns its name."""
        name = f"test_{next(self._numbers)}"
        self._run("CREATE DATABASE {} TEMPLATE {}", name, template)
        return name

    def create_from(self, url: str) -> str:
        """Make one more database, as a copy of that one, which nobody is connected to."""
        return self.create(make_url(url).database or "")

    def conninfo(self, name: str) -> str:
        """The driver's own words for where one of its databases is."""
        return f"host={self.folder} user={USER} dbname={name}"

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def make_template(self) -> None:
        """Make the database `upgraded`, which has every table."""
        self._run("CREATE DATABASE {}", TEMPLATE)
        with opened(self.url(TEMPLATE)) as database:
            schema.upgrade(database)

    @contextmanager
    def upgraded(self) -> Iterator[str]:
        """The URL of a new database that has every table, for as long as the block runs."""
        name = self.create(TEMPLATE)
        try:
            yield self.url(name)
        finally:
            self.drop(name)

    def answers(self) -> bool:
        """Whether it takes connections."""
        with suppress(psycopg.OperationalError):
            self._run("SELECT 1")
            return True
        return False

    def _run(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def postgresql(*settings: str, fast: bool = True) -> Iterator[PostgreSQL]:
    """A server with the database `upgraded` in it, for as long as the block runs.

    :param settings: more of its settings, each as `name=value`.
    :param fast: give durability up for speed.
    """
    initdb, server = (_program(name) for name in PROGRAMS)
    # Short, because the path of a socket may have 107 bytes only.
    folder = Path(tempfile.mkdtemp(prefix="ch-pg-", dir="/tmp"))
    prefix = _give_to_unprivileged(folder)
    data = folder / "data"
    given = [*(FAST if fast else ()), "listen_addresses=", f"unix_socket_directories={folder}"]
    flags = [word for setting in (*given, *settings) for word in ("-c", setting)]
    try:
        _initialise([*prefix, str(initdb)], data, folder)
        made = PostgreSQL(folder, 0)
        argv = [*prefix, str(server), "-D", str(data), *flags]
        with running(argv, ready=made.answers, folder=folder, stop_by=SIGINT) as process:
            made.pid = process.pid
            made.make_template()
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _initialise(initdb: Sequence[str], data: Path, folder: Path) -> None:
    words = f"-U {USER} -A trust -E UTF8 --no-locale --no-sync --no-instructions".split()
    subprocess.run(
        [*initdb, "-D", str(data), *words], check=True, capture_output=True, text=True, cwd=folder
    )


def is_installed() -> bool:
    """Whether a server can be started here."""
    return all(_find(name) for name in PROGRAMS)


def _program(name: str) -> Path:
    return _find(name) or programs.require(name, "postgresql")


def _find(name: str) -> Path | None:
    found = programs.find(name)
    if found is None:
        versions = Path(FOLDERS).glob(f"*/bin/{name}")
        found = max(versions, key=lambda path: int(path.parts[-3]), default=None)
    return found


def _give_to_unprivileged(folder: Path) -> list[str]:
    """Let an unprivileged user have a folder; returns what runs a program as that user."""
    if os.geteuid() != 0:
        return []
    user = next(user for name in UNPRIVILEGED if (user := _user(name)))
    os.chown(folder, user.pw_uid, user.pw_gid)
    setpriv = programs.require("setpriv", "util-linux")
    ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return [str(setpriv), *ids]


def _user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None
