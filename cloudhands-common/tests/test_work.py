import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from cloudhands.common import work
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.db import Database
from cloudhands.common.errors import ClaimLost
from cloudhands.common.testing.factories import NOON, Factory
from cloudhands.common.watching import watching
from cloudhands.common.work import Claim


def launch(database: Database, count: int = 1, now: datetime = NOON) -> None:
    """Launch appliances a second apart."""
    with database.writing() as session:
        make = Factory(session, now)
        organisation = make.organisation(limit=1000)
        owner = make.member(organisation)
        for number in range(count):
            make.now = now + timedelta(seconds=number)
            make.appliance(organisation, owner)


def claim(database: Database, limit: int = 1, now: datetime = NOON) -> Sequence[Claim]:
    with database.writing() as session:
        return work.claim(session, Appliance, now, 60, limit)


def next_due(database: Database) -> datetime | None:
    with database.reading() as session:
        return work.next_due(session, Appliance)


def give_back(database: Database, taken: Claim, due_at: datetime | None) -> None:
    with database.writing() as session:
        work.release(work.held(session, taken), taken, due_at, NOON)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_the_longest_due_comes_first(database: Database) -> None:
    launch(database, 3)
    assert [taken.id for taken in claim(database, 2, after(5))] == [1, 2]
    assert [taken.id for taken in claim(database, 2, after(5))] == [3]


def test_what_is_not_due_yet_is_left(database: Database) -> None:
    launch(database, 3)
    assert [taken.id for taken in claim(database, 9, after(1))] == [1, 2]


def test_no_more_than_the_limit_is_claimed(database: Database) -> None:
    launch(database, 50)
    assert len(claim(database, 7, after(60))) == 7


def test_a_bare_connection_claims_and_looks_alike(database: Database) -> None:
    launch(database, 3)
    with database.looking() as connection:
        assert work.next_of_each(connection, ((Appliance, ()),)) == [after(0)]
    with database.writing() as session:
        taken = work.claim(session.connection(), Appliance, after(5), 60, 2)
    assert [(one.id, one.wanted_version) for one in taken] == [(1, 1), (2, 1)]
    assert next_due(database) == after(2)
    give_back(database, taken[0], after(9))


def test_no_more_than_the_limit_is_claimed_whatever_the_plan(database: Database) -> None:
    """PostgreSQL chooses a nested loop when it knows nothing of the table, or is told to."""
    launch(database, 50)
    with database.writing() as session:
        if session.get_bind().dialect.name == "postgresql":
            for plan in ("hashagg", "hashjoin", "material", "mergejoin", "sort"):
                session.execute(text(f"SET LOCAL enable_{plan} = off"))
        assert len(work.claim(session, Appliance, after(60), 60, 7)) == 7


def test_what_is_at_rest_is_never_claimed(database: Database) -> None:
    launch(database)
    (taken,) = claim(database)
    give_back(database, taken, None)
    assert claim(database, now=after(10_000)) == []
    assert next_due(database) is None


def test_what_is_released_for_later_is_due_then(database: Database) -> None:
    launch(database)
    (taken,) = claim(database)
    give_back(database, taken, after(9))
    assert next_due(database) == after(9)
    assert claim(database, now=after(8.9)) == []
    assert len(claim(database, now=after(9))) == 1


def test_a_claim_that_ran_out_is_taken_over_and_fences_the_first(database: Database) -> None:
    launch(database)
    (first,) = claim(database)
    assert next_due(database) == after(60)
    assert claim(database, now=after(59)) == []
    (second,) = claim(database, now=after(60))
    assert second.token != first.token
    with database.writing() as session, pytest.raises(ClaimLost):
        work.held(session, first)
    give_back(database, second, None)


def test_what_is_in_hand_hides_nothing_that_is_free(database: Database) -> None:
    launch(database, 4)
    first, second = claim(database, 2, after(5))
    assert next_due(database) == after(2), "the third is free"
    claim(database, 2, after(5))
    assert next_due(database) == after(65), "all are in hand"
    give_back(database, second, after(80))
    assert next_due(database) == after(65), "a claim ends before"
    give_back(database, first, after(7))
    assert next_due(database) == after(7)


def test_a_released_claim_is_lost_too(database: Database) -> None:
    launch(database)
    (taken,) = claim(database)
    give_back(database, taken, None)
    with database.writing() as session, pytest.raises(ClaimLost):
        work.held(session, taken)


def test_a_renewed_claim_lasts_longer(database: Database) -> None:
    launch(database)
    (taken,) = claim(database)
    with database.writing() as session:
        work.renew(work.held(session, taken), after(50), 60)
    assert claim(database, now=after(100)) == []
    assert len(claim(database, now=after(110))) == 1


def test_a_wish_makes_it_due_at_once_and_resets_the_backoff(database: Database) -> None:
    launch(database)
    (taken,) = claim(database)
    with database.writing() as session:
        appliance = work.held(session, taken)
        appliance.attempt = 7
        work.release(appliance, taken, after(600), NOON)
    with database.writing() as session:
        work.wake(session, session.get_one(Appliance, 1), after(1))
    assert next_due(database) == after(1)
    with database.reading() as session:
        assert session.get_one(Appliance, 1).attempt == 0


@pytest.mark.parametrize("due_at", [None, after(600)])
def test_a_wish_during_a_claim_is_not_slept_over(
    database: Database, due_at: datetime | None
) -> None:
    launch(database)
    (taken,) = claim(database)
    with database.writing() as session:
        work.wake(session, session.get_one(Appliance, 1), after(1))
    assert claim(database, now=after(2)) == [], "it is still held"
    give_back(database, taken, due_at)
    (again,) = claim(database, now=after(2))
    assert again.wanted_version == taken.wanted_version + 1
    give_back(database, again, None)
    assert next_due(database) is None


def test_parallel_workers_never_claim_the_same(database: Database) -> None:
    launch(database, 60)
    taken: list[int] = []

    def worker() -> None:
        while found := claim(database, 3, after(100)):
            taken.extend(each.id for each in found)

    threads = [threading.Thread(target=worker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # One that found only rows that others had just locked may have stopped early.
    taken.extend(each.id for each in claim(database, 100, after(100)))
    assert sorted(taken) == list(range(1, 61))


def heard_after(database: Database, happen: Callable[[], object], limit: float) -> float:
    """How long a watcher waited while something happened a tenth of a second later."""
    with watching(database, threading.Event().wait) as watcher:
        timer = threading.Timer(0.1, happen)
        timer.start()
        started = time.monotonic()
        watcher.wait(limit)
        waited = time.monotonic() - started
        timer.join()
        return waited


def test_a_watcher_hears_a_wish(database: Database) -> None:
    assert 0.05 < heard_after(database, lambda: launch(database), 10) < 3


def test_a_watcher_does_not_hear_what_was_rolled_back(database: Database) -> None:
    def change_ones_mind() -> None:
        with database.writing() as session:
            Factory(session).organisation()
            session.rollback()

    assert heard_after(database, change_ones_mind, 0.5) >= 0.4


def test_a_wish_between_two_waits_is_heard(database: Database) -> None:
    with watching(database, threading.Event().wait) as watcher:
        launch(database)
        started = time.monotonic()
        watcher.wait(10)
        assert time.monotonic() - started < 1


def test_waiting_ends_when_it_shall(database: Database) -> None:
    bell = threading.Event()
    with watching(database, bell.wait) as watcher:
        threading.Timer(0.1, bell.set).start()
        started = time.monotonic()
        watcher.wait(10)
        assert time.monotonic() - started < 1


def test_a_watchers_connection_is_not_used_again(database: Database) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        watching(database, threading.Event().wait),
    ):
        raise ZeroDivisionError
    with database.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert not getattr(raw, "autocommit", False) or database.is_sqlite


def test_what_is_seized_is_nobody_elses_and_does_not_stay_so(database: Database) -> None:
    launch(database)
    give_back(database, claim(database)[0], None)

    def seize(seconds: float) -> Claim | None:
        with database.writing() as session:
            return work.seize(session, Appliance, 1, after(seconds), 60)

    seized = seize(0)
    assert seized is not None
    assert seize(59) is None
    assert claim(database, now=after(59)) == []
    with database.writing() as session:
        appliance = work.held(session, seized)
        work.wake(session, appliance, after(1))
        work.leave(session, seized)
    (taken,) = claim(database, now=after(1))
    assert taken.wanted_version == seized.wanted_version + 1
    with database.writing() as session:
        work.leave(session, seized)
    assert claim(database, now=after(59)) == [], "it is another's now"


def test_one_that_was_seized_by_somebody_who_was_killed_is_looked_at(database: Database) -> None:
    launch(database)
    give_back(database, claim(database)[0], None)
    with database.writing() as session:
        work.seize(session, Appliance, 1, NOON, 60)
    assert claim(database, now=after(59)) == []
    assert len(claim(database, now=after(60))) == 1
