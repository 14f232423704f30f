"""uidNumbers: one for one user, once for ever."""

import threading
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from cloudhands.common.actor import uid_numbers
from cloudhands.common.actor.tables import UidNumber, User
from cloudhands.common.db import Database
from cloudhands.common.errors import Conflict, LimitReached
from cloudhands.common.testing.factories import NOON, Factory
from cloudhands.common.testing.plans import explained

NUMBERS = range(5000, 5010)


@pytest.fixture
def session(rolled_back: Session) -> Session:
    return rolled_back


@pytest.fixture
def make(session: Session) -> Factory:
    return Factory(session)


def test_each_user_gets_the_next_one_and_keeps_it(session: Session, make: Factory) -> None:
    first, second = make.user(), make.user()
    assert uid_numbers.allot(session, first, NUMBERS, NOON) == 5000
    assert uid_numbers.allot(session, second, NUMBERS, NOON) == 5001
    assert uid_numbers.allot(session, first, NUMBERS, NOON) == 5000
    assert uid_numbers.allot(session, first, range(7000, 7001), NOON) == 5000
    assert uid_numbers.number_of(session, second) == 5001
    assert uid_numbers.number_of(session, make.user()) is None


def test_what_the_directory_has_given_is_passed_over(session: Session, make: Factory) -> None:
    uid_numbers.take(session, make.user(), 5001, NOON)
    uid_numbers.take(session, make.user(), 5009, NOON)
    given = [uid_numbers.allot(session, make.user(), NUMBERS, NOON, {5002}) for _ in range(3)]
    assert given == [5000, 5003, 5004]


def test_a_long_row_of_taken_numbers_is_passed_over(session: Session, make: Factory) -> None:
    numbers = range(10_000, 13_000)
    rows = [
        UidNumber(number=number, user_uuid=UUID(int=number), allotted=False, taken_at=NOON)
        for number in range(10_000, 12_500)
    ]
    session.add_all(rows)
    assert uid_numbers.allot(session, make.user(), numbers, NOON) == 12_500


def test_a_range_that_is_used_up_names_the_setting(session: Session, make: Factory) -> None:
    uid_numbers.allot(session, make.user(), range(7, 8), NOON)
    with pytest.raises(
        LimitReached, match=f"from 7 to 7 is used up: widen .*{uid_numbers.SETTING}"
    ):
        uid_numbers.allot(session, make.user(), range(7, 8), NOON)
    assert uid_numbers.allot(session, make.user(), range(7, 9), NOON) == 8


def test_a_number_outlives_its_person(session: Session, make: Factory) -> None:
    nobodys = UidNumber(number=5000, user_uuid=UUID(int=1), allotted=True, taken_at=NOON)
    session.add(nobodys)
    assert uid_numbers.allot(session, make.user(), NUMBERS, NOON) == 5001


def test_taking_is_repeatable_and_refuses_what_is_another(session: Session, make: Factory) -> None:
    one, other = make.user("ada"), make.user("grace")
    for _ in range(2):
        uid_numbers.take(session, one, 6000, NOON)
    with pytest.raises(Conflict, match="6000 of grace in the directory belongs to somebody else"):
        uid_numbers.take(session, other, 6000, NOON)
    with pytest.raises(Conflict, match="ada has the uidNumber 6000 for ever, but 6001"):
        uid_numbers.take(session, one, 6001, NOON)
    assert uid_numbers.number_of(session, other) is None
    assert uid_numbers.allot(session, one, NUMBERS, NOON) == 6000


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE uid_numbers SET number = 1",
        "UPDATE uid_numbers SET taken_at = taken_at",
        "DELETE FROM uid_numbers",
        "TRUNCATE uid_numbers CASCADE",
    ],
)
def test_the_database_lets_nobody_change_them(
    session: Session, make: Factory, statement: str
) -> None:
    if statement.startswith("TRUNCATE") and session.get_bind().dialect.name == "sqlite":
        statement = "DELETE FROM uid_numbers WHERE 1"  # it has no TRUNCATE
    uid_numbers.allot(session, make.user(), NUMBERS, NOON)
    with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
        session.execute(text(statement))
    assert session.scalars(select(UidNumber.number)).all() == [5000]


@pytest.mark.parametrize(("number", "same_user"), [(5000, True), (5000, False), (5001, True)])
def test_the_database_refuses_a_second_number_and_a_second_user(
    session: Session, make: Factory, number: int, *, same_user: bool
) -> None:
    user = make.user()
    uid_numbers.allot(session, user, NUMBERS, NOON)
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    uuid = user.uuid if same_user else UUID(int=1)
    again = text(
        f"{'INSERT OR REPLACE' if is_sqlite else 'INSERT'} INTO uid_numbers "
        "(number, user_uuid, allotted, taken_at) "
        "SELECT :number, :uuid, allotted, taken_at FROM uid_numbers"
    )
    values = {"number": number, "uuid": uuid.hex if is_sqlite else uuid}
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(again, values)
    assert session.scalars(select(UidNumber.number)).all() == [5000]


def test_the_highest_is_found_by_the_index(session: Session, make: Factory) -> None:
    user = make.user()
    with explained(session) as plans:
        uid_numbers.allot(session, user, NUMBERS, NOON)
    assert any("ix_uid_numbers_allotted" in plan for plan in plans)


def test_several_at_once_get_different_ones_and_one_user_one(database: Database) -> None:
    with database.writing() as session:
        make = Factory(session)
        ids = [make.user().id for _ in range(12)]
    given: list[tuple[int, int]] = []
    start = threading.Barrier(8)

    def worker() -> None:
        start.wait()
        for id_ in ids:
            with database.writing() as session:
                user = session.get_one(User, id_)
                given.append((id_, uid_numbers.allot(session, user, range(100, 200), NOON)))

    threads = [threading.Thread(target=worker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == 8 * 12
    assert {number for _, number in given} == set(range(100, 112))
    assert len(set(given)) == 12
