"""`opening`: the database knows which key file its history is written with."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from cloudhands.common import settings
from cloudhands.common.db import opened
from cloudhands.common.errors import ConfigurationError, DatabaseError
from cloudhands.common.history.verification import verify
from cloudhands.common.opening import opened_for, upgrade
from cloudhands.common.testing.factories import Factory


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> settings.Settings:
    return settings.Settings(state=tmp_path, database=settings.Database(url=database_url))


def write(place: settings.Settings) -> None:
    with opened_for(place) as database, database.writing() as session:
        Factory(session).organisation(f"organisation-{uuid4()}")


def key_file(place: settings.Settings) -> Path:
    return place.path(place.key_file)


def test_the_first_start_makes_the_key_file_and_the_next_ones_use_it(
    place: settings.Settings,
) -> None:
    assert not key_file(place).exists()
    write(place)
    made = key_file(place).read_bytes()
    write(place)
    assert key_file(place).read_bytes() == made
    with opened_for(place) as database:
        assert database.secret is not None
        found = verify(database, database.secret)
        assert found.rows
        assert not found.findings


def test_programs_that_start_at_once_agree(place: settings.Settings) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: write(place), range(8)))
    with opened_for(place) as database:
        assert database.secret is not None
        assert not verify(database, database.secret).findings


def test_a_lost_key_file_is_named_and_no_new_one_is_made(place: settings.Settings) -> None:
    write(place)
    key_file(place).unlink()
    with pytest.raises(ConfigurationError, match="is not there") as caught:
        write(place)
    assert str(key_file(place)) in str(caught.value)
    assert "Restore it from the backup" in str(caught.value)
    assert not key_file(place).exists()


def test_another_key_file_is_refused(place: settings.Settings) -> None:
    write(place)
    key_file(place).write_text("ab" * 32, encoding="ascii")
    with pytest.raises(ConfigurationError, match="is not the one") as caught:
        write(place)
    assert str(key_file(place)) in str(caught.value)


def test_a_damaged_key_file_is_refused(place: settings.Settings) -> None:
    write(place)
    key_file(place).write_text("not hexadecimal", encoding="ascii")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        write(place)


def test_history_cannot_be_written_without_a_key(database_url: str) -> None:
    with (
        opened(database_url) as database,
        pytest.raises(ConfigurationError, match="opened without"),
        database.writing() as session,
    ):
        Factory(session).organisation()


def test_a_database_without_tables_is_upgraded_and_marked(tmp_path: Path) -> None:
    file = tmp_path / "server.key"
    with opened(f"sqlite:///{tmp_path}/new.db") as database:
        revision = upgrade(database, file)
        assert upgrade(database, file) == revision
    file.unlink()
    with (
        opened(f"sqlite:///{tmp_path}/new.db") as database,
        pytest.raises(ConfigurationError, match="is not there"),
    ):
        upgrade(database, file)


def test_a_database_that_is_down_is_named(tmp_path: Path) -> None:
    with (
        opened("postgresql://somebody:secret@127.0.0.1:1/x") as database,
        pytest.raises(DatabaseError, match=r"127\.0\.0\.1:1"),
    ):
        upgrade(database, tmp_path / "server.key")
    assert not (tmp_path / "server.key").exists()


def test_a_key_file_that_history_was_not_written_with_is_not_taken_for_the_one(
    place: settings.Settings,
) -> None:
    """Where a release that did not know of it, or whoever was killed, left no mark."""
    write(place)
    with opened(place.database_url) as database, database.writing() as session:
        session.execute(text("UPDATE installation SET key_mark = NULL"))
    right = key_file(place).read_bytes()
    key_file(place).unlink()
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="is not the one"):
            write(place)
    key_file(place).write_bytes(right)
    write(place)
