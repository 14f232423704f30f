import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudhands.common import settings
from cloudhands.common.errors import IndexUnavailable
from cloudhands.common.testing import directories, people, slapd
from cloudhands.common.testing.ports import LOOPBACK, free_port
from cloudhands.common.testing.processes import Process, running
from cloudhands.web.index import engine
from cloudhands.web.index.main import main
from cloudhands.web.index.people import People


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


def test_once_then_query(
    any_directory: settings.Directory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(tmp_path, any_directory, "--once")) == 0
    assert main(arguments(tmp_path, None, "--query", "Grase Hoper")) == 0
    assert capsys.readouterr().out == "ghopper\tGrace Hopper\tghopper@example.org\n"
    assert main(arguments(tmp_path, None, "--query", "nobody at all")) == 1
    assert capsys.readouterr().out == ""


def test_matches_as_json(
    any_directory: settings.Directory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(arguments(tmp_path, any_directory, "--once"))
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
        ["--unknown"],
    ],
)
def test_wrong_arguments(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2
    assert "usage: cloud-index" in capsys.readouterr().err


def test_a_second_one_is_refused(own_slapd: slapd.Slapd, tmp_path: Path) -> None:
    source = directories.settings_for(own_slapd.url)
    with (
        running(program(tmp_path, source), ready=indexed(tmp_path)),
        running(program(tmp_path, source)) as second,
    ):
        assert second.wait(10) == 2
        assert "another cloud-index is writing" in second.output()


def test_it_follows_and_stops_on_sigterm(own_slapd: slapd.Slapd, tmp_path: Path) -> None:
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
        _stops(process)


def _stops(process: Process) -> None:
    started = time.monotonic()
    assert process.stop(10) == 0
    assert time.monotonic() - started < 3


def test_while_the_directory_is_down_the_index_stays(
    own_slapd: slapd.Slapd, tmp_path: Path
) -> None:
    source = directories.settings_for(own_slapd.url)
    argv = program(tmp_path, source, "--interval", "0.2")
    with running(argv, ready=indexed(tmp_path)) as process:
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
            process.wait_until((tmp_path / "index" / "people-1" / "meta.json").exists, 10)
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
    for number in range(5):
        with running(argv, ready=indexed(tmp_path)) as process:
            time.sleep(0.05 + 0.013 * number)
            assert process.kill() == -signal.SIGKILL
        # Who has it open, and who opens it now, both see everybody, and the index's own document.
        for each in (reader, engine.Reader(tmp_path / "index")):
            assert each.snapshot().searcher.num_docs == 200 + 1
    assert main(arguments(tmp_path, source, "--once")) == 0
