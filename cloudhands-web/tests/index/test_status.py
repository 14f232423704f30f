import contextlib
import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import CapturingLogger

from cloudhands.web.index import engine, report, status
from cloudhands.web.index.engine import Commit, Position
from cloudhands.web.index.metrics import Metrics
from cloudhands.web.index.request import Confirmation, Rebuild
from cloudhands.web.index.status import Journal
from cloudhands.web.index.sync import Contact, Progress

NOW = datetime.now(UTC)
NOBODY = 65534
CONNECTED = Contact("persist", "ldap://one", NOW, NOW)


def position(ago=0):
    return Position("persist", b"", "ldap://one", NOW - timedelta(seconds=ago))


def look(folder, silent=0):
    """A report of a process that has shown no sign of life for some seconds."""
    with contextlib.suppress(FileNotFoundError):
        os.utime(engine.location(folder) / status.FILE, (NOW.timestamp() - silent,) * 2)
    return report.make(folder, NOW)


def state(folder):
    return look(folder).state


def last_line(folder):
    return list(report.lines(look(folder)))[-1]


@pytest.fixture
def journal(tmp_path):
    """Of a process that follows, as long as the test lasts, and has an index of nobody."""
    with engine.writer(tmp_path) as writer:
        writer.replace([], position(60))
        begun = Journal(tmp_path, follows=True)
        begun.begin()
        yield begun


def test_what_is_written_can_be_read(tmp_path, journal):
    journal.seen(CONNECTED)
    journal.told(Progress(5, 10, 1.5))
    journal.committed(Commit(3, 1, 12, 0.01, False))
    assert status.read(tmp_path) == journal.status


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": 1}', '{"started": 3}'])
def test_what_cannot_be_read_is_none(tmp_path, journal, text):
    (engine.location(tmp_path) / status.FILE).write_text(text)
    assert status.read(tmp_path) is None
    # That somebody works there the lock tells.
    assert state(tmp_path) == report.SYNCING


def test_of_a_day_of_a_follower(tmp_path, journal):
    assert state(tmp_path) == report.READING
    journal.told(Progress(5, 10, 1.5))
    assert report.as_json(look(tmp_path))["reading"] == {
        "read": 5,
        "expected": 10,
        "per_second": 3,
        "seconds_left": 1.5,
    }
    journal.committed(Commit(10, 0, 10, 2.5, True))
    journal.seen(CONNECTED)
    made = look(tmp_path)
    assert (made.state, made.is_well, made.lag) == (report.FOLLOWING, True, 0)
    assert made.age == 60
    assert last_line(tmp_path).startswith("next         nothing")
    journal.seen(Contact("persist", "", None, NOW, "the directory is away", 1))
    made = look(tmp_path)
    assert (made.state, made.is_well, made.lag) == (report.RETRYING, False, 60)
    assert last_line(tmp_path).startswith("next         mend what the last error names")
    journal.seen(replace(CONNECTED, failures=1))
    found = report.as_json(look(tmp_path))
    assert (found["state"], found["last_error"]) == (report.FOLLOWING, "the directory is away")
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("silent", [31, -31])
def test_one_that_does_not_run_on_follows_nothing(tmp_path, journal, silent):
    journal.seen(CONNECTED)
    assert look(tmp_path, silent=20).state == report.FOLLOWING
    made = look(tmp_path, silent)
    assert (made.state, made.is_well, made.lag) == (report.SILENT, False, 60)
    assert f"kill -CONT {os.getpid()}" in list(report.lines(made))[-1]


def test_signs_of_life(tmp_path, journal, monkeypatch):
    look(tmp_path, silent=40)
    journal.beat()
    assert status.heard(tmp_path) < NOW
    monkeypatch.setattr(status, "BEAT_SECONDS", 0)
    journal.beat()
    assert status.heard(tmp_path) > NOW
    journal.end()
    look(tmp_path, silent=40)
    journal.beat()
    assert status.heard(tmp_path) < NOW


def test_who_has_connected_and_not_caught_up_may_be_behind(tmp_path, journal):
    before = NOW - timedelta(seconds=60)
    journal.seen(Contact("persist", "ldap://one", NOW, before))
    assert look(tmp_path).lag == 60
    journal.seen(Contact("persist", "ldap://one", NOW, NOW))
    assert look(tmp_path).lag == 0


def test_why_it_is_not_told_of_changes(tmp_path, journal):
    journal.seen(Contact("changes", "ldap://one", NOW, NOW, reason="there are two bases"))
    found = look(tmp_path)
    assert report.as_json(found)["protocol_reason"] == "there are two bases"
    assert any(line.endswith("as they come: there are two bases") for line in report.lines(found))


def test_failures_are_counted_once_each(tmp_path, journal):
    metrics = Metrics(engine.Reader(tmp_path), journal)
    said = []
    for contact in (
        Contact("persist", "", None, NOW, "away", 1),
        Contact("persist", "", None, NOW, "away", 2),
        # Connected, and not yet synced.
        Contact("persist", "ldap://one", NOW, NOW, "away", 2),
        Contact("persist", "ldap://one", NOW, NOW, "", 2),
    ):
        metrics.seen(contact)
        journal.seen(contact)
        said.append(journal.status.error_at)
    assert metrics.registry.get_sample_value("cloudhands_index_failures_total") == 2
    # Of the last failure, not of the last time that it was spoken of.
    assert said[0] < said[1] == said[2] == said[3]


def test_one_that_is_gone(tmp_path):
    assert state(tmp_path) == report.NEVER
    with engine.writer(tmp_path):
        journal = Journal(tmp_path, follows=True)
        journal.begin()
        journal.seen(CONNECTED)
    assert state(tmp_path) == report.DIED
    journal.end()
    assert state(tmp_path) == report.STOPPED
    made = look(tmp_path)
    assert made.people is None
    assert any("there is no index" in line for line in report.lines(made))
    assert last_line(tmp_path).startswith("next         start cloud-index")


def test_one_sync_is_no_following(tmp_path):
    with engine.writer(tmp_path):
        Journal(tmp_path, follows=False).begin()
        assert state(tmp_path) == report.SYNCING


def test_a_status_that_cannot_be_written_keeps_nobody_from_work(tmp_path, journal, monkeypatch):
    log = CapturingLogger()
    monkeypatch.setattr(status, "log", log)
    (engine.location(tmp_path) / f"{status.FILE}.new").mkdir()
    for _ in range(3):
        journal.seen(CONNECTED)
        journal.seen(Contact())
    assert [call.args[0] for call in log.calls] == ["the status cannot be written"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_who_may_only_read_is_told_all(tmp_path, journal):
    journal.seen(CONNECTED)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    look(tmp_path)
    os.seteuid(NOBODY)
    try:
        made = report.make(tmp_path, NOW)
    finally:
        os.seteuid(0)
    assert made.is_well
    assert made.status == journal.status


# --- Confirmations -------------------------------------------------------------------------------


def test_a_confirmation_counts_for_one_commit(tmp_path):
    given, kept = Confirmation(tmp_path), Confirmation(tmp_path)
    assert not kept.is_given()
    given.leave()
    # A commit that nobody asked about does not use it up.
    kept.committed(Commit(1, 0, 1, 0.1, False))
    assert kept.is_given()
    kept.committed(Commit(0, 9, 1, 0.1, False))
    assert not kept.is_given()


def test_a_confirmation_is_over_after_an_hour(tmp_path):
    confirmation = Confirmation(tmp_path)
    confirmation.leave()
    file = next(engine.location(tmp_path).iterdir())
    before = file.stat().st_mtime - 3601
    os.utime(file, (before, before))
    assert not confirmation.is_given()


@pytest.mark.parametrize("request_", [Confirmation, Rebuild])
def test_what_cannot_be_removed_counts_once(tmp_path, request_, monkeypatch):
    given, kept = request_(tmp_path), request_(tmp_path)
    given.leave()
    assert (kept.is_new(), kept.is_new()) == (True, False)
    assert kept.is_given()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        kept.committed(Commit(1, 0, 1, 0.1, True))
    assert not kept.is_given()
    given.leave()
    assert kept.is_new()
    assert kept.is_given()


def refuse(*_, **__):
    raise PermissionError


def test_only_another_index_answers_who_wants_one(tmp_path):
    given, kept = Rebuild(tmp_path), Rebuild(tmp_path)
    given.leave()
    assert kept.is_given()
    kept.committed(Commit(1, 0, 1, 0.1, False))
    assert kept.is_given()
    kept.committed(Commit(1, 0, 1, 0.1, True))
    assert not given.is_given()
