"""The ledger: what comes together is written together, and what fails takes nothing with it."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.exc import OperationalError

from cloudhands.burst.ledger import Ledger, Page
from cloudhands.common import work
from cloudhands.common.db import Database
from cloudhands.common.errors import ClaimLost, LimitReached
from cloudhands.common.limits import Amounts
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.tables import Provider
from cloudhands.common.testing.databases import short_lived
from cloudhands.common.testing.factories import NOON
from cloudhands.common.work import Claim

MANY = 5
SECONDS = 30.0

Record = Callable[[Page, Provider], Any]


def claimed(database: Database) -> Sequence[Claim]:
    """Claims on providers, which are as good as anything else that can be due."""
    with database.writing() as session:
        for number in range(MANY):
            session.add(Provider(name=f"cloud-{number}", created_at=NOON, due_at=NOON))
    with database.writing() as session:
        return work.claim(session, Provider, NOON, SECONDS, MANY)


@pytest.fixture
def claims(database: Database) -> Sequence[Claim]:
    return claimed(database)


@dataclass
class Desk:
    """A ledger, and threads that write in it; `commits` counts the transactions."""

    ledger: Ledger
    threads: ThreadPoolExecutor
    commits: int = 0

    def together(self, claims: Sequence[Claim], records: Sequence[Record]) -> Sequence[Future[Any]]:
        """Have records written for which all wait while the first is being written."""
        begun, go = threading.Event(), threading.Event()

        def hold(page: Page, provider: Provider) -> str:
            begun.set()
            assert go.wait(SECONDS)
            return "held"

        first = self.threads.submit(self.ledger.write, claims[0], hold)
        assert begun.wait(SECONDS)
        others = [
            self.threads.submit(self.ledger.write, claim, record)
            for claim, record in zip(claims[1:], records, strict=True)
        ]
        while self.ledger.waiting < len(others):
            time.sleep(0.001)
        go.set()
        assert first.result(SECONDS) == "held"
        return others


@pytest.fixture
def desk(database: Database, claims: Sequence[Claim]) -> Iterator[Desk]:
    with ThreadPoolExecutor(MANY) as threads:
        desk = Desk(Ledger(database), threads)

        def count(connection: Any) -> None:
            desk.commits += 1

        event.listen(database.engine, "commit", count)
        yield desk
        event.remove(database.engine, "commit", count)


def told(problem: str) -> Record:
    """A record that writes a problem, and returns whose."""

    def record(page: Page, provider: Provider) -> str:
        provider.problem = problem
        return provider.name

    return record


def broken(page: Page, provider: Provider) -> None:
    """Has written something before it fails."""
    provider.problem = "half written"
    page.session.flush()
    raise ValueError("broken")


def problems(database: Database) -> Sequence[str]:
    with database.reading() as session:
        return session.scalars(select(Provider.problem).order_by(Provider.name)).all()


def test_what_comes_together_is_written_in_one_transaction(
    database: Database, desk: Desk, claims: Sequence[Claim]
) -> None:
    written = desk.together(claims, [told(f"told {number}") for number in range(1, MANY)])
    assert [each.result(SECONDS) for each in written] == [f"cloud-{n}" for n in range(1, MANY)]
    assert problems(database) == ["", *(f"told {number}" for number in range(1, MANY))]
    assert desk.commits == 2


def test_what_fails_takes_nothing_with_it(
    database: Database, desk: Desk, claims: Sequence[Claim]
) -> None:
    written = desk.together(claims, [told("one"), broken, told("three"), told("four")])
    assert [type(each.exception(SECONDS)) for each in written] == [
        type(None),
        ValueError,
        type(None),
        type(None),
    ]
    assert problems(database) == ["", "one", "", "three", "four"]


def test_a_lost_claim_is_told_to_its_holder_alone(
    database: Database, desk: Desk, claims: Sequence[Claim]
) -> None:
    stale = [*claims[:2], replace(claims[2], token="another's"), *claims[3:]]
    written = desk.together(stale, [told("told")] * 4)
    assert [type(each.exception(SECONDS)) for each in written] == [
        type(None),
        ClaimLost,
        type(None),
        type(None),
    ]
    assert problems(database) == ["", "told", "", "told", "told"]
    assert desk.commits == 2


def test_an_old_claim_and_a_new_one_on_the_same_thing_are_told_apart(
    database: Database, desk: Desk, claims: Sequence[Claim]
) -> None:
    old = [claims[0], replace(claims[1], token="the one before"), claims[1]]
    stale, good = desk.together(old, [told("by the old"), told("by the new")])
    assert isinstance(stale.exception(SECONDS), ClaimLost)
    assert good.result(SECONDS) == "cloud-1"
    assert problems(database)[1] == "by the new"


def test_together_they_pass_no_limit(
    database: Database, desk: Desk, claims: Sequence[Claim]
) -> None:
    with database.writing() as session:
        row = Organisation(name="o", title="O", created_at=NOON, appliances_limit=3)
        session.add(row)
        session.flush()
        organisation_id = row.id

    def take(page: Page, provider: Provider) -> None:
        page.shares.reserve(Organisation, organisation_id, Amounts(appliances=1))

    came = [each.exception(SECONDS) for each in desk.together(claims, [take] * 4)]
    assert [type(error) for error in came].count(LimitReached) == 1
    assert came.count(None) == 3
    with database.reading() as session:
        assert session.get_one(Organisation, organisation_id).appliances_used == 3


def test_what_may_be_committed_is_not_written_again(
    database: Database, desk: Desk, claims: Sequence[Claim], monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[int] = []

    def count(page: Page, provider: Provider) -> None:
        provider.problem = "told"
        times.append(provider.id)
        if len(times) == len(claims) - 1:
            monkeypatch.setattr(dialect, "do_commit", commit_and_lose_the_reply)

    def commit_and_lose_the_reply(connection: Any) -> None:
        commit(connection)
        raise dialect.loaded_dbapi.OperationalError("the connection was lost")

    dialect = database.engine.dialect
    commit = dialect.do_commit
    came = [each.exception(SECONDS) for each in desk.together(claims, [count] * 4)]
    monkeypatch.undo()
    assert [type(error) for error in came] == [OperationalError] * 4
    assert len(times) == 4, "each once"
    assert problems(database) == ["", *["told"] * 4]


def test_a_row_that_is_kept_locked_keeps_its_own_thread_alone(postgresql_url: str) -> None:
    with short_lived(postgresql_url) as database, ThreadPoolExecutor(MANY) as threads:
        claims = claimed(database)
        desk = Desk(Ledger(database), threads)
        with database.writing() as frozen:
            frozen.execute(update(Provider).where(Provider.id == claims[2].id).values(since=NOON))
            written = desk.together(claims, [told("told")] * 4)
            others = [each for each in written if each is not written[1]]
            assert [each.exception(SECONDS) for each in others] == [None] * 3
            assert not written[1].done()
            assert problems(database) == ["", "told", "", "told", "told"]
        assert written[1].exception(SECONDS) is None
        assert problems(database) == ["", *["told"] * 4]


def test_more_than_are_written_together_all_have_their_turn(
    database: Database, claims: Sequence[Claim]
) -> None:
    with ThreadPoolExecutor(MANY) as threads:
        desk = Desk(Ledger(database, most=2), threads)
        written = desk.together(claims, [told("told")] * 4)
        assert [each.exception(SECONDS) for each in written] == [None] * 4
    assert problems(database) == ["", *["told"] * 4]


def test_nobody_waits_for_a_writer_that_was_ended(
    database: Database, desk: Desk, claims: Sequence[Claim]
) -> None:
    def end(page: Page, provider: Provider) -> None:
        raise SystemExit

    came = [each.exception(SECONDS) for each in desk.together(claims, [told("told"), end] * 2)]
    assert sorted(type(error).__name__ for error in came) == ["RuntimeError"] * 3 + ["SystemExit"]
    assert problems(database) == [""] * MANY
    assert desk.ledger.write(claims[0], told("later")) == "cloud-0"


def test_what_all_need_is_read_once_and_of_all(
    database: Database, claims: Sequence[Claim], desk: Desk
) -> None:
    asked: list[Sequence[str]] = []

    def names(page: Page) -> Sequence[str]:
        found = [each.name for each in page.artifacts]
        asked.append(found)
        return found

    written = desk.together(
        claims, [lambda page, provider: (provider.name, page.of_all(names))] * (MANY - 1)
    )
    others = [f"cloud-{number}" for number in range(1, MANY)]
    assert [each.result(SECONDS) for each in written] == [(name, others) for name in others]
    assert asked == [others]
