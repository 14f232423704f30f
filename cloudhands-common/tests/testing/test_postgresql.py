import os

import psycopg
import pytest
from sqlalchemy import text

from cloudhands.common import schema
from cloudhands.common.db import Database, opened
from cloudhands.common.testing.postgresql import PostgreSQL, postgresql


def test_each_test_has_a_database_of_its_own(postgresql_server: PostgreSQL) -> None:
    with postgresql_server.upgraded() as first, postgresql_server.upgraded() as second:
        assert first != second
        with opened(first) as database:
            schema.check(database)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(first.replace("+psycopg", ""))


def test_it_is_gone_after_the_block() -> None:
    with postgresql("max_connections=10") as server:
        assert server.answers()
        folder, pid = server.folder, server.pid
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_fixture_gives_both_kinds(database: Database) -> None:
    schema.check(database)
    with database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM appliances")).scalar_one() == 0
