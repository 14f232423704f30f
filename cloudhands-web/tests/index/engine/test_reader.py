import os
import threading
import time
from pathlib import Path

import pytest
from structlog.testing import CapturingLogger

from cloudhands.common.errors import IndexUnavailable
from cloudhands.web.index import engine
from cloudhands.web.index.engine import reader as opening
from cloudhands.web.index.people import People

NOBODY = 65534


def test_before_the_first_sync(tmp_path):
    people = People(tmp_path)
    with pytest.raises(IndexUnavailable, match="no index of people"):
        people.search("x")
    assert people.revision() == ""
    with engine.writer(tmp_path):
        # The folder is there now, and nobody has been read.
        for ask in (lambda: people.search("x"), lambda: people.get("x"), people.synced):
            with pytest.raises(IndexUnavailable):
                ask()


def test_it_follows_commits_and_switches_without_a_restart(tmp_path, entry, at):
    people = People(tmp_path)
    seen = set()
    with engine.writer(tmp_path) as writer:
        for number in range(4):
            writer.replace([entry(number)], at(number))
            assert [person.id for person in people.search("name")] == [f"id-{number}"]
            assert people.synced() == at(number).synced
            seen.add(people.revision())
            writer.change([entry(number, "Other")], [], at(number, b"other"))
            assert [person.id for person in people.search("other")] == [f"id-{number}"]
            seen.add(people.revision())
            assert people.revision() in seen
    assert len(seen) == 8


def test_two_readers_agree_on_the_revision(tmp_path, entry, at):
    with engine.writer(tmp_path) as writer:
        writer.replace([entry(1)], at(0))
    assert People(tmp_path).revision() == People(tmp_path).revision() != ""


def test_an_empty_directory_is_an_index(tmp_path, at):
    with engine.writer(tmp_path) as writer:
        writer.replace([], at(0))
    assert People(tmp_path).search("name") == []
    assert engine.Reader(tmp_path).snapshot().people == 0


def test_at_rest_it_costs_one_status_of_a_file(tmp_path, entry, at, monkeypatch):
    with engine.writer(tmp_path) as writer:
        writer.replace([entry(1)], at(0))
    reader = engine.Reader(tmp_path)
    first = reader.snapshot()
    asked = []
    plain = os.stat

    def counted(path, **named):
        asked.append(path)
        return plain(path, **named)

    monkeypatch.setattr(os, "stat", counted)
    monkeypatch.setattr(opening, "_open", None)
    assert all(reader.snapshot() is first for _ in range(10))
    assert len(asked) == 10


def test_a_snapshot_stays_as_it_was(tmp_path, entry, at):
    everybody = engine.exactly(engine.NAMES, "name")
    with engine.writer(tmp_path) as writer:
        writer.replace(map(entry, range(5)), at(0))
        kept = engine.Reader(tmp_path).snapshot()
        writer.change([], ["id-1", "id-2"], at(1))
        writer.replace([entry(9)], at(2))
        assert len(kept.entries(everybody, 10)) == kept.people == 5
        assert kept.synced == at(0).synced


def test_a_damaged_index(tmp_path, entry, at):
    with engine.writer(tmp_path) as writer:
        writer.replace([entry(1)], at(0))
    people = People(tmp_path)
    assert people.get("id-1") is not None
    meta = engine.location(tmp_path) / "current" / engine.META
    meta.write_text("{")
    # Who has seen it keeps the last good one; who comes new is told.
    for _ in range(2):
        assert people.get("id-1") is not None
        new = People(tmp_path)
        for _ in range(2):
            with pytest.raises(IndexUnavailable, match="cannot be read"):
                new.get("id-1")
    with engine.writer(tmp_path) as writer:
        writer.replace([entry(2)], at(1))
    assert people.get("id-2") is not None
    assert new.get("id-2") is not None


def test_trouble_is_told_once_and_looked_at_again(tmp_path, entry, at, monkeypatch):
    log = CapturingLogger()
    monkeypatch.setattr(opening, "log", log)
    with engine.writer(tmp_path) as writer:
        writer.replace([entry(1)], at(0))
    reader = engine.Reader(tmp_path)
    first = reader.snapshot()
    meta = engine.location(tmp_path) / "current" / engine.META
    good = meta.read_bytes()
    meta.write_text("{")
    status = meta.stat()
    monkeypatch.setattr(opening, "RETRY_SECONDS", 0.0)
    for _ in range(5):
        assert reader.snapshot() is first
    assert [call.args[0] for call in log.calls] == ["the last good index is used"]
    # As on a disk that cannot be read for a while: of the file itself nothing changes.
    meta.write_bytes(good)
    os.utime(meta, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert reader.snapshot() is not first


def test_a_removed_index_is_kept_by_who_has_seen_it(tmp_path, entry, at):
    folder = tmp_path / "index"
    with engine.writer(folder) as writer:
        writer.replace([entry(1)], at(0))
    people = People(folder)
    assert people.get("id-1") is not None
    folder.rename(tmp_path / "away")
    assert people.get("id-1") is not None
    with engine.writer(folder) as writer:
        writer.replace([entry(2)], at(1))
    assert people.get("id-1") is None
    assert people.get("id-2") is not None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_a_reader_needs_no_right_but_to_read(tmp_path, entry, at):
    with engine.writer(tmp_path) as writer:
        writer.replace([entry(1)], at(0))
        for folder in (tmp_path, *tmp_path.parents):
            if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
                folder.chmod(0o755)
        people = People(tmp_path)
        os.seteuid(NOBODY)
        try:
            assert people.get("id-1") is not None
        finally:
            os.seteuid(0)
        writer.change([entry(2)], [], at(1))
        os.seteuid(NOBODY)
        try:
            assert people.get("id-2") is not None
        finally:
            os.seteuid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_who_may_not_read_is_told(tmp_path, entry, at):
    with engine.writer(tmp_path) as writer:
        writer.replace([entry(1)], at(0))
    engine.location(tmp_path).chmod(0o700)
    os.seteuid(NOBODY)
    try:
        with pytest.raises(IndexUnavailable, match="cannot be read"):
            People(tmp_path).get("id-1")
    finally:
        os.seteuid(0)


def test_nothing_is_left_of_openings(tmp_path, entry, at, monkeypatch):
    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.setattr(opening, "IN_MEMORY", own)
    with engine.writer(tmp_path) as writer:
        writer.replace([entry(1)], at(0))
    for _ in range(300):
        assert engine.Reader(tmp_path).snapshot().people == 1
    assert list(own.iterdir()) == []


def test_switches_and_commits_under_readers(tmp_path, entry, at):
    """Every snapshot is one commit: as many people as its cookie says, whoever opens it."""
    wrong = []
    over = threading.Event()
    everybody = engine.exactly(engine.NAMES, "name")

    def read(keeps):
        reader = engine.Reader(tmp_path)
        while not over.is_set():
            reader = reader if keeps else engine.Reader(tmp_path)
            snapshot = reader.snapshot()
            found = len(snapshot.entries(everybody, 100))
            if not found == snapshot.people == int(snapshot.position.cookie):
                wrong.append((found, snapshot.people, snapshot.position))
            time.sleep(0.001)

    with engine.writer(tmp_path) as writer:
        writer.replace([entry(0)], at(0, b"1"))
        threads = [threading.Thread(target=read, args=[keeps]) for keeps in (True, False)]
        for thread in threads:
            thread.start()
        for number in range(2, 14):
            if number % 3:
                writer.change([entry(number)], [], at(number, b"%d" % (writer.people() + 1)))
            else:
                writer.replace(map(entry, range(number)), at(number, b"%d" % number))
        over.set()
        for thread in threads:
            thread.join()
    assert wrong == []
