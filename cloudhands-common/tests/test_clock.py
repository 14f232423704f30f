"""The database's clock, whatever the host's shows."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError

from cloudhands.common.clock import ASK_EVERY_SECONDS, DatabaseClock, now
from cloudhands.common.db import Database, opened
from cloudhands.common.testing.postgresql import PostgreSQL

SECOND = timedelta(seconds=1)
HOURS = timedelta(hours=5)


class Ticks:
    """A monotonic clock that goes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def postgres(postgresql_url: str) -> Iterator[Database]:
    with opened(postgresql_url) as database:
        yield database


def servers_time(database: Database) -> datetime:
    with database.looking() as connection:
        moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return moment


def asked(database: Database) -> list[str]:
    """Every question about the time, from now on."""
    questions: list[str] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def note(connection, cursor, statement, parameters, context, executemany):
        questions.append(statement)

    return questions


def set_server(database: Database, by: timedelta) -> None:
    """Have the server's answers differ, as if its clock had been set."""
    seconds = by.total_seconds()

    @event.listens_for(database.engine, "before_cursor_execute", retval=True)
    def change(connection, cursor, statement, parameters, context, executemany):
        moved = f"clock_timestamp() + interval '{seconds} seconds'"
        return statement.replace("clock_timestamp()", moved, 1), parameters


@pytest.mark.parametrize("wrong", [HOURS, -HOURS])
def test_on_sqlite_it_is_the_hosts_and_on_postgresql_the_servers(
    database: Database, wrong: timedelta
) -> None:
    clock = DatabaseClock(database, lambda: now() + wrong)
    if database.is_sqlite:
        assert abs(clock() - now() - wrong) < HOURS / 2
    else:
        before = servers_time(database)
        told = clock()
        assert before <= told <= servers_time(database)
    assert clock().tzinfo is UTC


def test_it_is_never_ahead_of_the_server(postgres: Database) -> None:
    clock = DatabaseClock(postgres)
    for _ in range(50):
        assert clock() <= servers_time(postgres)


def test_the_server_is_asked_every_ten_seconds_at_most(postgres: Database) -> None:
    ticks = Ticks()
    clock = DatabaseClock(postgres, monotonic=ticks)
    questions = asked(postgres)
    first = clock()
    for _ in range(100):
        clock()
    ticks.seconds += ASK_EVERY_SECONDS - 0.5
    assert clock() == first + timedelta(seconds=ASK_EVERY_SECONDS - 0.5)
    assert len(questions) == 1
    ticks.seconds += 0.5
    clock()
    clock()
    assert len(questions) == 2


def test_a_server_that_was_set_forward_is_followed_when_it_is_asked(postgres: Database) -> None:
    ticks = Ticks()
    clock = DatabaseClock(postgres, monotonic=ticks)
    first = clock()
    set_server(postgres, HOURS)
    assert clock() == first
    ticks.seconds += ASK_EVERY_SECONDS
    assert clock() >= first + HOURS


def test_a_small_step_back_is_not_shown_and_a_great_one_is(postgres: Database) -> None:
    ticks = Ticks()
    clock = DatabaseClock(postgres, monotonic=ticks)
    first = clock()
    # 10 s by our reckoning and next to none by the server's: ours ran ahead, by far too much.
    ticks.seconds += ASK_EVERY_SECONDS
    ahead = clock()
    assert ahead < first + 9 * SECOND, "a great step is followed"
    set_server(postgres, timedelta(seconds=ASK_EVERY_SECONDS - 0.5))
    ticks.seconds += ASK_EVERY_SECONDS - 0.001
    shown = clock()
    ticks.seconds += 0.001
    assert clock() == shown, "half a second of stepping back is waited out"
    ticks.seconds += 2
    assert shown + SECOND <= clock() <= shown + 2 * SECOND


def test_a_database_that_is_away_does_not_stop_it(postgresql_server: PostgreSQL) -> None:
    ticks = Ticks()
    name = postgresql_server.create("template1")
    with opened(postgresql_server.url(name)) as database:
        clock = DatabaseClock(database, monotonic=ticks)
        first = clock()
        postgresql_server.drop(name)
        ticks.seconds += 3 * ASK_EVERY_SECONDS
        assert clock() == first + 3 * ASK_EVERY_SECONDS * SECOND
        questions = asked(database)
        ticks.seconds += 1
        assert clock() == first + (3 * ASK_EVERY_SECONDS + 1) * SECOND
        assert questions == [], "it waits before it asks again"


def test_it_asks_again_when_the_database_is_back(postgres: Database) -> None:
    ticks = Ticks()
    clock = DatabaseClock(postgres, monotonic=ticks)
    first = clock()
    away = [True]

    @event.listens_for(postgres.engine, "before_cursor_execute")
    def refuse(connection, cursor, statement, parameters, context, executemany):
        if away[0]:
            raise OperationalError(statement, parameters, ConnectionError("away"))

    ticks.seconds += ASK_EVERY_SECONDS
    assert clock() == first + ASK_EVERY_SECONDS * SECOND
    away[0] = False
    ticks.seconds += ASK_EVERY_SECONDS
    assert clock() < first + ASK_EVERY_SECONDS * SECOND


def test_the_first_reading_needs_the_database() -> None:
    with opened("postgresql://nobody@127.0.0.1:1/none") as database:
        clock = DatabaseClock(database)
        for _ in range(2):
            with pytest.raises(OperationalError):
                clock()


def test_threads_see_it_rise_and_ask_once(postgres: Database) -> None:
    clock = DatabaseClock(postgres)
    questions = asked(postgres)
    wrong: list[tuple[datetime, datetime]] = []

    def look() -> None:
        last = clock()
        for _ in range(300):
            told = clock()
            if told < last:
                wrong.append((last, told))
            last = told

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(questions) == 1
