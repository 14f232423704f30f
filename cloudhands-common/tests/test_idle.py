"""A process that stands still in the middle of a transaction does not hold others up for ever."""

import pytest
from sqlalchemy import text

from cloudhands.common.db import UNREACHABLE, Database
from cloudhands.common.provider import commands, queries
from cloudhands.common.testing.databases import short_lived
from cloudhands.common.testing.factories import NOON


def _stand_still(frozen: Database, other: Database) -> None:
    with frozen.writing() as stands_still:
        queries.by_name(stands_still, "private", lock=True)
        with other.writing() as session:
            session.execute(text("SET LOCAL lock_timeout = '20s'"))
            assert queries.by_name(session, "private", lock=True)
        stands_still.execute(text("SELECT 1"))


def test_others_get_the_locks_of_one_who_stands_still(postgresql_url: str) -> None:
    with short_lived(postgresql_url) as frozen, short_lived(postgresql_url) as other:
        with other.writing() as session:
            commands.provider(session, "private", NOON)
        frozen.end_idle(0.1)
        with pytest.raises(UNREACHABLE):
            _stand_still(frozen, other)
        with frozen.writing() as session:
            assert queries.by_name(session, "private", lock=True)


def test_nothing_is_changed_where_there_is_no_such_thing(database: Database) -> None:
    database.end_idle(60)
    with database.writing() as session:
        assert commands.provider(session, "private", NOON)
