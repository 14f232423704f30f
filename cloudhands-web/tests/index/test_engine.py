import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloudhands.common.errors import ConfigurationError, IndexUnavailable
from cloudhands.common.person import Person
from cloudhands.web.index import engine
from cloudhands.web.index.decode import Entry
from cloudhands.web.index.people import People

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def entry(number: int) -> Entry:
    return Entry(Person(f"id-{number}", f"u{number}", f"Name {number}", ""), (f"u{number}", "name"))


def test_before_the_first_sync(tmp_path: Path) -> None:
    people = People(tmp_path)
    with pytest.raises(IndexUnavailable, match="no index of people"):
        people.search("x")
    with engine.writer(tmp_path):
        # The files are there now, and nobody has been read.
        with pytest.raises(IndexUnavailable):
            people.search("x")
        with pytest.raises(IndexUnavailable):
            people.get("x")
        with pytest.raises(IndexUnavailable):
            people.synced()


def test_a_reader_follows_without_a_restart(tmp_path: Path) -> None:
    people = People(tmp_path)
    with engine.writer(tmp_path) as writer:
        for number in range(5):
            synced = NOW + timedelta(minutes=number)
            writer.replace([entry(number)], synced)
            assert [person.id for person in people.search("name")] == [f"id-{number}"]
            assert people.synced() == synced
            assert writer.people() == 1


def test_an_empty_directory_is_an_index(tmp_path: Path) -> None:
    with engine.writer(tmp_path) as writer:
        writer.replace([], NOW)
    assert People(tmp_path).search("name") == []


def test_a_failure_half_way_changes_nothing(tmp_path: Path) -> None:
    def failing() -> Iterator[Entry]:
        yield entry(7)
        raise KeyboardInterrupt

    people = People(tmp_path)
    with engine.writer(tmp_path) as writer:
        writer.replace(map(entry, range(3)), NOW)
        with pytest.raises(KeyboardInterrupt):
            writer.replace(failing(), NOW)
        assert len(people.search("name")) == 3
        assert writer.people() == 3
        writer.replace(map(entry, range(4)), NOW)
        assert len(people.search("name")) == 4


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    with (
        engine.writer(tmp_path),
        pytest.raises(ConfigurationError, match="another cloud-index is writing"),
        engine.writer(tmp_path),
    ):
        pass


def test_the_lock_is_given_back(tmp_path: Path) -> None:
    for number in range(3):
        with engine.writer(tmp_path) as writer:
            writer.replace([entry(number)], NOW)
            assert writer.people() == 1


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(ConfigurationError, match="cannot be opened for writing"),
        engine.writer(tmp_path / "file"),
    ):
        pass


def test_a_damaged_index(tmp_path: Path) -> None:
    with engine.writer(tmp_path) as writer:
        writer.replace([entry(1)], NOW)
    people = People(tmp_path)
    assert people.get("id-1") is not None
    meta = engine.location(tmp_path) / engine.META
    meta.write_text("{")
    # Who has seen it keeps the last good one; who comes new is told.
    assert people.get("id-1") is not None
    with pytest.raises(IndexUnavailable, match="cannot be read"):
        People(tmp_path).get("id-1")
    with (
        pytest.raises(ConfigurationError, match="it is made again from the directory"),
        engine.writer(tmp_path),
    ):
        pass


def test_a_removed_index_is_kept_by_who_has_seen_it(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    with engine.writer(folder) as writer:
        writer.replace([entry(1)], NOW)
    people = People(folder)
    assert people.get("id-1") is not None
    folder.rename(tmp_path / "away")
    assert people.get("id-1") is not None
    with engine.writer(folder) as writer:
        writer.replace([entry(2)], NOW)
    assert people.get("id-1") is None
    assert people.get("id-2") is not None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_a_reader_without_the_right_to_the_lock_is_told(tmp_path: Path) -> None:
    with engine.writer(tmp_path) as writer:
        writer.replace([entry(1)], NOW)
    (engine.location(tmp_path) / ".tantivy-meta.lock").chmod(0o600)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    nobody = 65534
    os.seteuid(nobody)
    try:
        with pytest.raises(IndexUnavailable, match="a common group"):
            People(tmp_path).get("id-1")
    finally:
        os.seteuid(0)
