"""The fixtures that tests of all five distributions share; the root `conftest.py` registers them.

Thin wrappers: the work is in the modules beside this one, which need no pytest.
"""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy.orm import Session

from cloudhands.common import schema, settings
from cloudhands.common.db import Database, opened
from cloudhands.common.testing import directories, people, slapd, statements
from cloudhands.common.testing.databases import short_lived
from cloudhands.common.testing.postgresql import TEMPLATE, PostgreSQL, postgresql
from cloudhands.common.testing.programs import require, unavailable
from cloudhands.common.testing.reusing import Reused

# --- directories ---------------------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def interrupts_arrive() -> None:
    """SIGINT does something to whoever a test starts.

    A shell that runs the tests in the background has them ignore it, and so all their children.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def loggers_follow() -> Iterator[None]:
    """No logger keeps the configuration that it was first used with.

    A program's entry point that a test calls configures logging; what a later test captures would
    else lack the lines of loggers that were used in between.
    """
    configure = structlog.configure

    def keeping_nothing(**options: Any) -> None:
        configure(**{**options, "cache_logger_on_first_use": False})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structlog, "configure", keeping_nothing)
        yield


@pytest.fixture(scope="session", params=directories.KINDS)
def any_directory(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[settings.Directory]:
    """The settings of a directory of 1,000 people, once for each kind; not to be changed."""
    if request.param == directories.SLAPD:
        require_slapd()
    folder = tmp_path_factory.mktemp(f"{request.param}-directory")
    entries = people.make(password=directories.PASSWORD)
    with directories.serving(request.param, folder, entries) as url:
        yield directories.settings_for(url)


@pytest.fixture
def own_slapd(tmp_path: Path) -> Iterator[slapd.Slapd]:
    """A slapd with 200 people for one test, which may change or kill it."""
    require_slapd()
    entries = people.make(200, password=directories.PASSWORD)
    with slapd.running_with(tmp_path / "slapd", entries) as server:
        yield server


def require_slapd() -> None:
    """Skip the test, or fail it in CI, where slapd is not installed."""
    require("slapd")
    if slapd.find() is None:
        unavailable("all of slapd: install the package slapd")


# The suite's assertions explain themselves wherever it is inherited.
pytest.register_assert_rewrite("cloudhands.common.testing.contract")

# Before any test's module is imported, which may open a database.
statements.share()

# --- databases -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    """A PostgreSQL for all tests of this process."""
    with postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with every table, to be copied."""
    file = tmp_path_factory.mktemp("sqlite") / "upgraded.db"
    with opened(f"sqlite:///{file}") as database:
        schema.upgrade(database)
    return file


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a new SQLite database with every table and no rows."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'cloudhands.db')}"


@pytest.fixture(scope="session")
def postgresql_reused(postgresql_server: PostgreSQL) -> Reused:
    """A database with every table and no rows, for one test after the other."""
    return Reused(postgresql_server, postgresql_server.url(TEMPLATE))


@pytest.fixture
def postgresql_url(postgresql_reused: Reused) -> Iterator[str]:
    """The URL of a PostgreSQL database with every table and no rows."""
    with postgresql_reused.url() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a new database with every table and no rows, once for each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A new database with every table and no rows, once for each kind."""
    with short_lived(database_url) as database:
        yield database


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def common_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A database that many tests use after one another, once for each kind: see `rolled_back`."""
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        file = shutil.copy(template, tmp_path_factory.mktemp("common") / "cloudhands.db")
        with short_lived(f"sqlite:///{file}") as database:
            yield database
        return
    server: PostgreSQL = request.getfixturevalue("postgresql_server")
    with server.upgraded() as url, short_lived(url) as database:
        yield database


@pytest.fixture
def rolled_back(common_database: Database) -> Iterator[Session]:
    """A writing session that finds no rows and leaves none: a tenth of a new database's price."""
    with common_database.writing() as session:
        yield session
        session.rollback()
