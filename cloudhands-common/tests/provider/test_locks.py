"""Who pauses, probes or resumes a provider is not in the way of who writes down what is there.

On PostgreSQL: SQLite's writers take turns. Who places an appliance holds its row when it writes the
node; who resumes the provider holds the provider's and comes to wake that appliance.
"""

from collections.abc import Callable, Iterator
from threading import Thread

import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from cloudhands.common import work
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.db import Database
from cloudhands.common.provider import commands, pausing, queries
from cloudhands.common.provider.tables import Provider
from cloudhands.common.testing.databases import short_lived
from cloudhands.common.testing.factories import NOON, Factory


@pytest.fixture
def on_postgresql(postgresql_url: str) -> Iterator[Database]:
    with short_lived(postgresql_url) as database:
        yield database


def _by_name(session: Session) -> object:
    return queries.by_name(session, "private", lock=True)


def _paused(session: Session) -> object:
    provider = commands.provider(session, "private", NOON)
    return pausing.pause(session, Factory(session).operator, provider, "a new rack", NOON)


def _held(session: Session) -> object:
    provider = commands.provider(session, "private", NOON)
    provider.due_at = NOON
    session.flush()
    (claim,) = work.claim(session, Provider, NOON, 15, 1)
    return work.held(session, claim)


@pytest.mark.parametrize("hold", [_by_name, _paused, _held])
def test_a_node_is_written_while_its_provider_is_held(
    hold: Callable[[Session], object], on_postgresql: Database
) -> None:
    with on_postgresql.writing() as session:
        make = Factory(session)
        organisation = make.organisation()
        appliance = make.appliance(organisation, make.member(organisation))
        provider = commands.provider(session, "private", NOON)
        assert make.operator.id
        session.flush()
        ids = appliance.id, provider.id
    with on_postgresql.writing() as holding:
        assert hold(holding)
        holding.flush()
        with on_postgresql.writing() as placing:
            placing.execute(text("SET LOCAL lock_timeout = '2s'"))
            node = Node(appliance_id=ids[0], provider_id=ids[1], generation=1, made_at=NOON)
            placing.add(node)
    with on_postgresql.reading() as session:
        assert session.query(Node).count() == 1


def test_what_is_woken_is_locked_in_one_order(on_postgresql: Database) -> None:
    with on_postgresql.writing() as session:
        make = Factory(session)
        organisation = make.organisation()
        owner = make.member(organisation)
        first, last = (make.appliance(organisation, owner).id for _ in range(2))
    with on_postgresql.writing() as session:
        # In the file it lies behind the other now, and is found after it.
        session.execute(update(Appliance).where(Appliance.id == first).values(label="first"))

    def wake() -> None:
        with on_postgresql.writing() as session:
            session.execute(text("SET LOCAL enable_indexscan = off"))
            session.execute(text("SET LOCAL enable_bitmapscan = off"))
            work.wake_all(session, Appliance, NOON, Appliance.due_at.is_not(None))

    waking = Thread(target=wake)
    with on_postgresql.writing() as holding:
        holding.get_one(Appliance, first, with_for_update=True)
        waking.start()
        with on_postgresql.looking() as connection:
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            while not connection.execute(waiting).scalar_one():
                connection.rollback()
        # It waits for the first, and holds nothing yet that we could wait for.
        holding.get_one(Appliance, last, with_for_update={"nowait": True})
    waking.join(20)
    assert not waking.is_alive()
