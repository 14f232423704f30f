"""A process that stands still in the middle of a transaction does not hold others up for ever."""

from collections.abc import Callable

import pytest
from sqlalchemy import bindparam, func, text, update
from sqlalchemy.orm import Session

from cloudhands.common.db import UNREACHABLE, Database
from cloudhands.common.provider import commands, queries
from cloudhands.common.provider.tables import Provider
from cloudhands.common.testing.databases import short_lived
from cloudhands.common.testing.factories import NOON


def _one(session: Session) -> None:
    """Nothing more than the lock."""


def _many(session: Session) -> None:
    """Many statements at once, which take the server longer than to send them."""
    slowly = func.pg_sleep(0.05).is_not(None)
    changed = session.connection().execute(
        update(Provider).where(Provider.id > bindparam("row"), slowly).values(problem="frozen"),
        [{"row": number} for number in (-2, -1, 0)],
    )
    assert changed.rowcount == 3


def _stand_still(frozen: Database, other: Database, write: Callable[[Session], None]) -> None:
    with frozen.writing() as stands_still:
        queries.by_name(stands_still, "private", lock=True)
        write(stands_still)
        try:
            with other.writing() as session:
                session.execute(text("SET LOCAL lock_timeout = '20s'"))
                assert queries.by_name(session, "private", lock=True)
        except UNREACHABLE as error:  # not what is waited for
            raise AssertionError("the lock is still held") from error
        stands_still.execute(text("SELECT 1"))


@pytest.mark.parametrize("write", [_one, _many])
def test_others_get_the_locks_of_one_who_stands_still(
    postgresql_url: str, write: Callable[[Session], None]
) -> None:
    with short_lived(postgresql_url) as frozen, short_lived(postgresql_url) as other:
        with other.writing() as session:
            commands.provider(session, "private", NOON)
        frozen.end_idle(0.1)
        with pytest.raises(UNREACHABLE):
            _stand_still(frozen, other, write)
        with frozen.writing() as session:
            assert queries.by_name(session, "private", lock=True)


def test_nothing_is_changed_where_there_is_no_such_thing(database: Database) -> None:
    database.end_idle(60)
    with database.writing() as session:
        assert commands.provider(session, "private", NOON)
