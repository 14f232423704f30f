"""The database, SQLite and PostgreSQL alike: the declarative base and the two kinds of transaction.

`Database.reading` is a plain transaction; `Database.writing` takes the write lock at its start
on SQLite, because a deferred transaction that turns into a write fails at once when another
wrote since its read, and writers of one process queue on a lock of their own, which is fairer
and faster than SQLite's busy timeout.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import JSON, DateTime, Engine, MetaData, String, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection, Dialect, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator

from cloudhands.common import remedies
from cloudhands.common.cursors import OneByOne
from cloudhands.common.errors import ConfigurationError, DatabaseError

SECRET = "cloudhands_secret"
WRITES = "cloudhands_writes"
MAX_OVERFLOW = 256
# PostgreSQL reckons with a turning disk where nobody told it otherwise: for an organisation's 50
# appliances it then reads all of 10,000 nodes, which takes ten times as long as by the index.
RANDOM_PAGE_COST = """
SELECT set_config('random_page_cost', '1.1', false) WHERE current_setting('random_page_cost') = '4'
"""

IDLE = "SELECT set_config('idle_in_transaction_session_timeout', %s, false)"

# What is raised while the database cannot be reached, or is too busy to answer; and (InternalError)
# where PostgreSQL has ended a transaction in which nothing happened for too long.
UNREACHABLE = (OperationalError, InterfaceError, InternalError)

FoundT = TypeVar("FoundT")

CONSTRAINT_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite keeps it without an offset and gives it back with one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without an offset: nobody could tell which one it is."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no offset from UTC")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give SQLite's moments their offset back."""
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


Json = JSON().with_variant(JSONB(), "postgresql")


class Base(DeclarativeBase):
    """Every table's base."""

    metadata = MetaData(naming_convention=CONSTRAINT_NAMES)
    type_annotation_map = {
        datetime: UtcDateTime,
        str: String(),
        dict[str, Any]: Json,
        list[Any]: Json,
    }


class Artifact:
    """Columns of everything that has a history: a public id, and a version for ETags.

    `kind` is the artifact's name in history. `touch_count` and `last_link` are the number and the
    link of its last row there (`common.history.chain`).
    """

    kind: str

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True, default=uuid4)
    version: Mapped[int] = mapped_column(default=0)
    touch_count: Mapped[int] = mapped_column(default=0, server_default="0")
    last_link: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[datetime]

    @property
    def facts(self) -> Mapping[str, Any]:
        """Ids and canonical values that every row of its history holds."""
        return {}


class Database:
    """An open database.

    :param url: SQLAlchemy's URL; `sqlite:///...` or `postgresql+psycopg://...`.
    :param secret: the installation's, without which no history can be written.
    :raises DatabaseError: if the URL is not one.
    """

    def __init__(self, url: str, secret: bytes | None = None) -> None:
        self.secret = secret
        self.engine = _engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._writers = self.engine.execution_options(**{WRITES: True})
        self._lookers = _plain(self.engine) if self.is_sqlite else self.engine
        self._lock = threading.Lock() if self.is_sqlite else nullcontext()

    @property
    def address(self) -> str:
        """The URL, as it may be shown: without passwords."""
        plain = self.engine.url.difference_update_query(["password", "sslpassword"])
        return plain.render_as_string(hide_password=True)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for queries; whatever it changed is rolled back."""
        with Session(self.engine) as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """A session for queries that all see the same moment, whatever others commit meanwhile."""
        with self.reading() as session:
            if not self.is_sqlite:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    def looking(self) -> Connection:
        """A connection for small queries, each of which sees the last commit; to be closed.

        On SQLite it begins no transaction: for one query that would double the work.
        """
        return self._lookers.connect()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that commits at the end, or rolls back when anything is raised."""
        info = {SECRET: self.secret}
        # Nobody asks the session once more after its end: nothing has to be forgotten then.
        made = Session(self._writers, info=info, expire_on_commit=False)
        with self._lock, made as session, session.begin():
            yield session

    def end_idle(self, seconds: float) -> None:
        """Have PostgreSQL end every transaction of ours in which nothing happens for so long.

        Of a process that was frozen in the middle of one, others would wait for the locks until it
        goes on. SQLite knows no such thing.
        """
        if not self.is_sqlite:
            milliseconds = str(max(1, int(seconds * 1000)))

            def prepare(connection: Any, record: Any) -> None:
                connection.execute(IDLE, (milliseconds,)).close()
                connection.commit()

            event.listen(self.engine, "connect", prepare)
            self.close()  # those that are open know nothing of it

    def tidy(self) -> None:
        """Let go of what has been overwritten: of what SQLite keeps in its log.

        Others who are at work there may keep it from being emptied until they are done.
        """
        if self.is_sqlite:
            with self.looking() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").close()

    def close(self) -> None:
        """Give back every connection; more can be opened afterwards."""
        self.engine.dispose()
        self._lookers.pool = self.engine.pool


def known_or_made(
    session: Session, find: Callable[[], FoundT | None], make: Callable[[], FoundT]
) -> FoundT:
    """What `find` finds; made, if there is none, by whichever of several that try it is first.

    :param make: makes it, for the session to write; a unique constraint refuses a second one.
    """
    known = find()
    if known is not None:
        return known
    made = make()
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError:
        known = find()
        if known is None:
            raise  # it was something else
        return known
    return made


def prepared(session: Session) -> Connection:
    """A session's connection, for statements that were made once: they cost a third there.

    What the session has pending is written before, where it is before its own queries too.
    """
    if session.autoflush:
        session.flush()
    return session.connection()


def secret_of(session: Session) -> bytes:
    """The installation's secret, as a writing session's database knows it.

    :raises ConfigurationError: if it was opened without.
    """
    secret: bytes | None = session.info.get(SECRET)
    if secret is None:
        raise ConfigurationError("history cannot be written: the database was opened without key")
    return secret


@contextmanager
def opened(url: str, secret: bytes | None = None) -> Iterator[Database]:
    """A `Database` that is closed at the end; see there."""
    database = Database(url, secret)
    try:
        yield database
    finally:
        database.close()


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        engine = create_engine(
            parsed,
            pool_pre_ping=parsed.get_backend_name() != "sqlite",
            # What people typed has no place in the log.
            hide_parameters=True,
            # A thread holds one at a time; there may be as many threads as settings allow.
            pool_size=8,
            max_overflow=MAX_OVERFLOW,
        )
    except (ArgumentError, NoSuchModuleError, ImportError, TypeError) as error:
        raise DatabaseError(
            f"database.url is not usable: {error}. Write sqlite:///FILE or postgresql://..."
        ) from error
    if engine.dialect.name == "sqlite":
        _make_file(parsed.database)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _plain(engine: Engine) -> Engine:
    """The same connections, prepared as they are, where nothing is begun and less is called."""
    return create_engine(engine.url, pool=engine.pool, hide_parameters=True)


def _make_file(file: str | None) -> None:
    if not file or file == ":memory:":
        return
    try:
        Path(file).parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        # Hashes of passwords and people's addresses are in it: nobody else's to read.
        Path(file).touch(mode=0o640)
    except OSError as error:
        raise DatabaseError(
            f"database {file} cannot be made or written: {error.strerror}. Let this user write "
            "there, or name another file in database.url"
        ) from error


def _prepare_sqlite(connection: Any, record: Any) -> None:
    # We begin transactions ourselves (`_begin_sqlite`); a PRAGMA inside one has no effect.
    connection.isolation_level = None
    for pragma in (
        "busy_timeout=10000",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        # Else what was deleted stays in free pages, and goes into every backup.
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _prepare_postgresql(connection: Any, record: Any) -> None:
    connection.cursor_factory = OneByOne
    connection.execute(RANDOM_PAGE_COST).close()
    connection.commit()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def inserting(session: Session, model: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that may have `on_conflict_do_nothing`, for the session's database.

    On PostgreSQL it waits for another transaction that has just inserted the same, and then does
    nothing; on SQLite a writing session is alone.
    """
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(model)
    return sqlite.insert(model)


@contextmanager
def explained(database: Database) -> Iterator[None]:
    """Turn a driver's error into one that says which database and what to do, in one line.

    :raises DatabaseError: in place of SQLAlchemy's `DBAPIError`.
    """
    try:
        yield
    except DBAPIError as error:
        raise DatabaseError(
            f"database {database.address} cannot be used: {remedies.reason(error)}. "
            f"{remedies.remedy(error)}"
        ) from error
