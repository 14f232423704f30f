"""The rows as the queue of several processes, some of which are killed or frozen."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from cloudhands.common import history
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.clock import DatabaseClock
from cloudhands.common.db import Database
from cloudhands.common.testing.factories import Factory
from cloudhands.common.testing.workers import DONE, LOST, Worker, workers

MINUTES = 600.0
LONG, SHORT = 60.0, 0.4
LIMIT_SECONDS = 30.0


@pytest.fixture(scope="module")
def processes() -> Iterator[Sequence[Worker]]:
    with workers(3) as started:
        yield started


@pytest.fixture
def acts(tmp_path: Path) -> Path:
    return tmp_path / "acts"


@pytest.fixture
def team(processes: Sequence[Worker], database_url: str, acts: Path) -> Sequence[Worker]:
    """Three workers on the test's database."""
    for each in processes:
        each.open(database_url, acts)
    return processes


def launch(database: Database, count: int) -> set[int]:
    """Launch appliances that are due now; returns their ids."""
    with database.writing() as session:
        make = Factory(session, DatabaseClock(database)())
        organisation = make.organisation(limit=1000)
        owner = make.member(organisation)
        made = [make.appliance(organisation, owner) for _ in range(count)]
        session.flush()
        return {each.id for each in made}


def acted(acts: Path) -> Counter[int]:
    """How often each was acted on."""
    return Counter(map(int, acts.read_text().split())) if acts.exists() else Counter()


def recorded(database: Database, id: int) -> list[tuple[str, datetime]]:
    """What workers have recorded of an appliance, and when."""
    with database.reading() as session:
        uuid = session.get_one(Appliance, id).uuid
        events = history.latest(session, uuid)
    return [(event.why, event.at) for event in events if event.why.startswith("by ")]


def claim_ends(database: Database, id: int) -> datetime:
    with database.reading() as session:
        until = session.get_one(Appliance, id).claim_until
    assert until is not None
    return until


def test_each_is_done_once_by_somebody(
    team: Sequence[Worker], database: Database, acts: Path
) -> None:
    ids = launch(database, 60)
    for each in team:
        each.tell("work", limit=3, seconds=LONG)
    done = [id for each in team for id in each.answer()]
    assert sorted(done) == sorted(ids)
    assert acted(acts) == Counter(ids)
    assert all(len(recorded(database, id)) == 1 for id in ids)


def test_what_a_killed_worker_held_is_taken_over_when_its_claim_ends(
    team: Sequence[Worker], database: Database, database_url: str, acts: Path
) -> None:
    first, second, _ = team
    ids = launch(database, 20)
    with workers(1) as (victim,):
        victim.open(database_url, acts)
        held = victim.claim(8, SHORT)
        for id in held[:3]:
            victim.ask("act", id=id)
        assert victim.ask("record", id=held[0]) == DONE
        victim.kill()
    left = held[1:]
    ends = {id: claim_ends(database, id) for id in left}
    for each in (first, second):
        each.tell("work", limit=4, seconds=LONG)
    done = first.answer() + second.answer()
    assert sorted(done) == sorted(ids - {held[0]})
    assert acted(acts) == Counter(ids) + Counter(held[1:3]), "what was not recorded, is done again"
    for id in ids:
        ((_, at),) = recorded(database, id)
        assert id not in ends or at >= ends[id]


def test_a_frozen_worker_that_goes_on_after_its_claim_records_nothing(
    team: Sequence[Worker], database: Database
) -> None:
    frozen, other, _ = team
    launch(database, 3)
    (id, *more) = frozen.claim(3, SHORT)
    frozen.stop()
    try:
        frozen.tell("record", id=id)
        assert sorted(other.ask("work", limit=3, seconds=LONG)) == sorted([id, *more])
    finally:
        frozen.go_on()
    assert frozen.answer() == LOST
    assert [frozen.ask("record", id=each) for each in more] == [LOST, LOST]
    assert [why for why, _ in recorded(database, id)] == [f"by {other.pid}"]


def test_a_renewed_claim_is_kept(team: Sequence[Worker], database: Database) -> None:
    holder, other, _ = team
    launch(database, 2)
    renewed, forgotten = holder.claim(2, SHORT)
    holder.ask("renew", id=renewed, seconds=LONG)
    while not (taken := other.claim(2, LONG)):
        pass  # the other claim has not run out yet
    assert taken == [forgotten]
    assert holder.ask("record", id=forgotten) == LOST
    assert holder.ask("record", id=renewed) == DONE


def test_a_wish_of_another_process_during_a_claim_is_due_at_once(
    team: Sequence[Worker], database: Database
) -> None:
    holder, wisher, other = team
    (id,) = launch(database, 1)
    assert holder.claim(1, LONG) == [id]
    wisher.ask("wake", id=id)
    assert other.claim(1, LONG) == [], "it is held"
    assert holder.ask("record", id=id) == DONE
    assert other.claim(1, LONG) == [id], "it does not rest, as it would have"


def test_a_wish_is_heard_by_another_process(team: Sequence[Worker], database: Database) -> None:
    listener, wisher, _ = team
    (id,) = launch(database, 1)
    listener.tell("listen", seconds=LIMIT_SECONDS)
    assert listener.answer() == "listening"
    wisher.ask("wake", id=id)
    assert listener.answer() is True


def test_nothing_is_heard_where_nothing_happens(team: Sequence[Worker]) -> None:
    listener, *_ = team
    listener.tell("listen", seconds=0.1)
    assert [listener.answer(), listener.answer()] == ["listening", False]


class TestHostsWhoseClocksDiffer:
    """SQLite's processes share a host, and its clock."""

    @pytest.fixture
    def database_url(self, postgresql_url: str) -> str:
        return postgresql_url

    @pytest.mark.parametrize("ahead", [MINUTES, -MINUTES])
    def test_a_live_claim_is_not_taken(
        self,
        team: Sequence[Worker],
        database: Database,
        database_url: str,
        acts: Path,
        ahead: float,
    ) -> None:
        holder, other, _ = team
        holder.open(database_url, acts, ahead=-ahead)
        other.open(database_url, acts, ahead=ahead)
        launch(database, 2)
        (held,) = holder.claim(1, LONG)
        (free,) = other.claim(2, LONG)
        assert free != held
        assert holder.claim(2, LONG) == []
        assert [holder.ask("record", id=held), other.ask("record", id=free)] == [DONE, DONE]

    def test_by_their_own_clocks_it_would_be(
        self, team: Sequence[Worker], database: Database, database_url: str, acts: Path
    ) -> None:
        holder, other, _ = team
        other.open(database_url, acts, ahead=MINUTES, own_clock=True)
        (id,) = launch(database, 1)
        assert holder.claim(1, LONG) == [id]
        assert other.claim(1, LONG) == [id]
        assert holder.ask("record", id=id) == LOST
