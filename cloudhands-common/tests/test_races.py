"""What the database forbids, attempted by eight at once: the short form of `bench/races.py`."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from cloudhands.common.testing.postgresql import PostgreSQL
from cloudhands.common.testing.races.racing import CONTENDERS, Control, Lost, Race, Track, track
from cloudhands.common.testing.races.table import RACES

ROUNDS = {"taking_turns": 2, "racing": 5}
UNGUARDED_ROUNDS = 40


@pytest.fixture(scope="module")
def taking_turns(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Track]:
    """A track on SQLite, where writers take turns; one for all races, as below."""
    file = shutil.copy(sqlite_template, tmp_path_factory.mktemp("races") / "cloudhands.db")
    with track(f"sqlite:///{file}") as made:
        yield made
        assert made.findings_in_history() == []


@pytest.fixture(scope="module")
def racing(postgresql_server: PostgreSQL) -> Iterator[Track]:
    """A track on PostgreSQL; one for all races: a new database costs more than a race."""
    with postgresql_server.upgraded() as url, track(url) as made:
        yield made
        assert made.findings_in_history() == []


@pytest.fixture(scope="module")
def unguarded(postgresql_server: PostgreSQL) -> Iterator[Track]:
    """A track that loses its constraints one after the other."""
    with postgresql_server.upgraded() as url, track(url) as made:
        yield made


@pytest.mark.parametrize("name", RACES)
@pytest.mark.parametrize(("where", "rounds"), ROUNDS.items())
def test_what_must_hold_holds(
    request: pytest.FixtureRequest, name: str, where: str, rounds: int
) -> None:
    made: Track = request.getfixturevalue(where)
    result = made.run(RACES[name], rounds)
    assert result.findings == []
    assert (result.rounds, result.attempts) == (rounds, rounds * CONTENDERS)
    assert result.won + result.refused.total() == result.attempts
    assert result.won >= rounds, "nobody could do what is to be done once"


@pytest.mark.parametrize("name", RACES)
def test_without_its_guard_it_breaks(name: str, unguarded: Track) -> None:
    result = unguarded.run_unguarded(RACES[name], UNGUARDED_ROUNDS)
    assert result.broken, f"{result.rounds} rounds proved nothing"


@pytest.mark.parametrize("name", [name for name, race in RACES.items() if race.control.attempt])
def test_what_is_careless_breaks_only_where_several_race(name: str, taking_turns: Track) -> None:
    assert taking_turns.run(RACES[name].unguarded, 1).findings == []


def test_an_error_that_is_no_refusal_is_a_finding(taking_turns: Track) -> None:
    def stumble(session: Session, prepared: object, contender: int) -> Lost:
        if contender == 3:
            raise ZeroDivisionError("three")
        return Lost("late")

    race = Race("stumbling", lambda *_: None, stumble, lambda *_: iter(()), Control(), (OSError,))
    result = taking_turns.run(race, 2)
    assert result.findings == [
        f"round {number}: contender 3: ZeroDivisionError: three" for number in (1, 2)
    ]
    assert (result.won, result.refused) == (0, {"late": 14})
