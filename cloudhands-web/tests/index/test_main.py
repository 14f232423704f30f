import contextlib
import http.client
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudhands.common import settings
from cloudhands.common.errors import IndexUnavailable
from cloudhands.common.testing import directories, people, slapd
from cloudhands.common.testing.fixtures import require_slapd
from cloudhands.common.testing.ports import LOOPBACK, free_port
from cloudhands.common.testing.processes import Process, running
from cloudhands.web.index import engine
from cloudhands.web.index.main import main
from cloudhands.web.index.people import People


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The program handles signals, which this process goes on to do its own way."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def telling_slapd(tmp_path: Path) -> Iterator[slapd.Slapd]:
    """A slapd with 200 people that tells changes as they come."""
    require_slapd()
    setup = slapd.Setup(syncprov=True)
    with slapd.running_with(tmp_path / "slapd", people.make(200), setup) as server:
        yield server


def arguments(state: Path, source: settings.Directory | None, *more: str) -> list[str]:
    given = ["--set", f"state={state}", *more]
    if source is not None:
        given += ["--set", f"directory.url={source.url}", "--set", f"directory.base={source.base}"]
    return given


def program(state: Path, source: settings.Directory, *more: str) -> list[str]:
    return [sys.executable, "-m", "cloudhands.web.index.main", *arguments(state, source, *more)]


def indexed(state: Path) -> Callable[[], bool]:
    def found() -> bool:
        try:
            return bool(People(state / "index").search("ghopper"))
        except IndexUnavailable:
            return False

    return found


def test_once_then_query_then_another_index(
    any_directory: settings.Directory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(tmp_path, any_directory, "--once")) == 0
    assert "1,000 people of " in capsys.readouterr().out
    assert main(arguments(tmp_path, None, "--query", "Grase Hoper")) == 0
    assert capsys.readouterr().out == "ghopper\tGrace Hopper\tghopper@example.org\n"
    assert main(arguments(tmp_path, None, "--query", "nobody at all")) == 1
    assert capsys.readouterr().out == ""
    _matches_as_json(tmp_path, capsys)
    (before,) = engine.location(tmp_path / "index").glob("files-*")
    assert main(arguments(tmp_path, any_directory, "--rebuild")) == 0
    assert not before.exists()
    capsys.readouterr()
    assert main(arguments(tmp_path, None, "--query", "a", "--limit", "3")) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


def _matches_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(tmp_path, None, "--json", "--query", "aturing")) == 0
    assert json.loads(capsys.readouterr().out) == [
        {
            "id": people.named(people.make(2), "aturing").one("entryUUID"),
            "uid": "aturing",
            "name": "Alan Turing",
            "mail": "aturing@example.org",
        }
    ]
    assert main(arguments(tmp_path, None, "--json", "--query", "*:*")) == 1
    assert json.loads(capsys.readouterr().out) == []


def test_help_tells_exit_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "exit status:\n  0 " in capsys.readouterr().out


def test_a_query_before_the_first_sync(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(tmp_path, None, "--query", "grace")) == 3
    assert "there is no index of people" in capsys.readouterr().err


def test_once_without_a_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = directories.settings_for(f"ldap://{LOOPBACK}:{free_port()}")
    assert main(arguments(tmp_path, nowhere, "--once")) == 3
    assert "cannot answer" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [
        ["--interval", "0"],
        ["--interval", "-3"],
        ["--interval", "soon"],
        ["--interval", "nan"],
        ["--interval", "inf"],
        ["--once", "--query", "x"],
        ["--status", "--rebuild"],
        ["--query", "x", "--limit", "0"],
        ["--query", "x", "--limit", "101"],
        ["--query", "x", "--limit", "some"],
        ["--unknown"],
    ],
)
def test_wrong_arguments(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2
    assert "usage: cloud-index" in capsys.readouterr().err


def test_a_second_one_is_refused_and_the_first_does_what_is_asked(
    own_slapd: slapd.Slapd, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = directories.settings_for(own_slapd.url)
    with running(program(tmp_path, source), ready=indexed(tmp_path)) as process:
        assert main(arguments(tmp_path, source, "--once")) == 2
        assert "another cloud-index is writing" in capsys.readouterr().err
        # In the middle of its wait for the next look.
        process.wait_until(lambda: asked(tmp_path, capsys)[0] == 0, 10)
        _is_rebuilt(tmp_path, source, process, capsys)


def _is_rebuilt(
    state: Path,
    source: settings.Directory,
    process: Process,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = engine.location(state / "index")
    before = (place / "current").readlink()
    capsys.readouterr()
    assert main(arguments(state, source, "--rebuild")) == 0
    assert "asked: the running cloud-index reads everybody anew" in capsys.readouterr().out
    process.wait_until(lambda: (place / "current").readlink() != before, 10)
    process.wait_until(lambda: not list(place.glob("*asked*")), 10)
    process.wait_until(lambda: asked(state, capsys)[0] == 0, 10)


def _stops(process: Process) -> None:
    started = time.monotonic()
    assert process.stop(10) == 0
    assert time.monotonic() - started < 3


def test_it_follows_and_while_the_directory_is_down_the_index_stays(
    own_slapd: slapd.Slapd, tmp_path: Path
) -> None:
    source = directories.settings_for(own_slapd.url)
    argv = program(tmp_path, source, "--interval", "0.2")
    with running(argv, ready=indexed(tmp_path)) as process:
        with own_slapd.administrator() as administrator:
            administrator.add(
                f"uid=kjohnson,{people.PEOPLE}",
                "inetOrgPerson",
                {"cn": "Katherine Johnson", "sn": "Johnson", "uid": "kjohnson"},
            )
        found = People(tmp_path / "index")
        process.wait_until(lambda: bool(found.search("kjohnson")), 10)
        own_slapd.process.kill()
        process.wait_until(lambda: "the last good index stays" in process.output(), 10)
        assert "cannot answer" in process.output()
        assert "Traceback" not in process.output()
        assert indexed(tmp_path)()
        synced = People(tmp_path / "index").synced()
        with slapd.running_on(own_slapd.folder, own_slapd.port):
            process.wait_until(lambda: People(tmp_path / "index").synced() > synced, 10)
            _stops(process)


def test_sigterm_while_the_directory_is_silent(own_slapd: slapd.Slapd, tmp_path: Path) -> None:
    own_slapd.process.popen.send_signal(signal.SIGSTOP)
    try:
        source = directories.settings_for(own_slapd.url)
        with running(program(tmp_path, source)) as process:
            process.wait_until((engine.location(tmp_path / "index") / "status.json").exists, 10)
            time.sleep(0.3)
            _stops(process)
    finally:
        own_slapd.process.popen.send_signal(signal.SIGCONT)


def test_kill_9_during_syncs_leaves_the_last_good_index(
    own_slapd: slapd.Slapd, tmp_path: Path
) -> None:
    source = directories.settings_for(own_slapd.url)
    argv = program(tmp_path, source, "--interval", "0.001")
    reader = engine.Reader(tmp_path / "index")
    for number in range(2):
        with running(argv, ready=indexed(tmp_path)) as process:
            time.sleep(0.05 + 0.013 * number)
            assert process.kill() == -signal.SIGKILL
        # Who has it open, and who opens it now, both see everybody, and the index's own document.
        for each in (reader, engine.Reader(tmp_path / "index")):
            assert each.snapshot().searcher.num_docs == 200 + 1
    assert main(arguments(tmp_path, source, "--once")) == 0


def asked(
    state: Path, capsys: pytest.CaptureFixture[str], *more: str
) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    status = main(arguments(state, None, "--status", "--json", *more))
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return status, found


def test_status_of_one_that_follows_is_in_trouble_and_dies(
    telling_slapd: slapd.Slapd, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(tmp_path, capsys)[1]["state"] == "never run"
    port = free_port()
    argv = program(
        tmp_path,
        directories.settings_for(telling_slapd.url),
        *("--interval", "0.2", "--set", f"index.metrics_port={port}"),
    )
    with running(argv, ready=indexed(tmp_path)) as process:
        process.wait_until(lambda: asked(tmp_path, capsys)[0] == 0, 10)
        _, found = asked(tmp_path, capsys)
        assert (found["state"], found["well"], found["people"]) == ("following", True, 200)
        assert (found["protocol"], found["lag_seconds"]) == ("persist", 0)
        assert all(found[name] for name in ("server", "connected_since", "last_commit"))
        assert found["pid"] == process.pid
        assert found["last_error"] is found["missing"] is found["reading"] is None
        assert get(port, "/health/ready") == (200, {"status": "ready"})
        assert "cloudhands_index_people 200.0" in numbers(port)
        _is_rebuilt(tmp_path, directories.settings_for(telling_slapd.url), process, capsys)
        _shows_when_it_is_stopped(tmp_path, process, capsys)
        telling_slapd.process.kill()
        process.wait_until(lambda: asked(tmp_path, capsys)[1]["state"] == "retrying", 10)
        status, found = asked(tmp_path, capsys)
        assert (status, found["people"], found["server"]) == (1, 200, None)
        assert "cannot answer" in found["last_error"]
        assert found["lag_seconds"] == found["age_seconds"] > 0
        assert get(port, "/health/ready") == (
            503,
            {"status": "unready", "directory": "not followed"},
        )
        assert 'cloudhands_index_connected{protocol="persist"} 0.0' in numbers(port)
        process.kill()
    status, found = asked(tmp_path, capsys)
    assert (status, found["state"], found["people"]) == (1, "died", 200)
    assert main(arguments(tmp_path, None, "--status")) == 1
    out = capsys.readouterr().out
    assert "ended without a word" in out
    assert out.splitlines()[-1] == "next         start cloud-index: nobody follows the directory"


def _shows_when_it_is_stopped(
    state: Path, process: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    said = engine.location(state / "index") / "status.json"
    process.popen.send_signal(signal.SIGSTOP)
    long_ago = time.time() - 31
    os.utime(said, (long_ago, long_ago))
    status, found = asked(state, capsys)
    assert (status, found["state"], found["well"]) == (1, "not responding", False)
    assert found["lag_seconds"] == found["age_seconds"] > 0
    assert f"kill -CONT {process.pid}" in found["next"]
    process.popen.send_signal(signal.SIGCONT)
    # It has nothing else to say.
    process.wait_until(lambda: asked(state, capsys)[0] == 0, 10)


def get(port: int, path: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def numbers(port: int) -> str:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    with contextlib.closing(connection):
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()


def test_many_deletions_wait_for_an_operator(
    telling_slapd: slapd.Slapd, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = directories.settings_for(telling_slapd.url)
    argv = program(tmp_path, source, "--interval", "0.2")
    with running(argv, ready=indexed(tmp_path)) as process:
        with telling_slapd.administrator() as administrator:
            for one in people.make(200)[100:]:
                administrator.delete(one.dn)
        process.wait_until(lambda: asked(tmp_path, capsys)[1]["state"] == "retrying", 10)
        _, found = asked(tmp_path, capsys)
        assert found["people"] > 150
        assert "are gone from the directory" in found["last_error"]
        assert found["next"].endswith("run cloud-index --confirm-deletions")
        assert main(arguments(tmp_path, None, "--confirm-deletions")) == 0
        assert "the running cloud-index" in capsys.readouterr().out
        process.wait_until(lambda: asked(tmp_path, capsys)[1]["people"] == 100, 10)
        process.wait_until(lambda: asked(tmp_path, capsys)[0] == 0, 10)
        # It was used up.
        assert not list(engine.location(tmp_path / "index").glob("*confirmed*"))


def test_once_with_many_deletions(own_slapd: slapd.Slapd, tmp_path: Path) -> None:
    source = directories.settings_for(own_slapd.url)
    assert main(arguments(tmp_path, source, "--once")) == 0
    with own_slapd.administrator() as administrator:
        for one in people.make(200)[100:]:
            administrator.delete(one.dn)
    assert main(arguments(tmp_path, source, "--rebuild")) == 3
    assert engine.Reader(tmp_path / "index").snapshot().people == 200
    assert main(arguments(tmp_path, source, "--rebuild", "--confirm-deletions")) == 0
    assert engine.Reader(tmp_path / "index").snapshot().people == 100
