import os
import signal
import sys
import time
from pathlib import Path

import pytest

from cloudhands.common.testing.ports import answers, free_port
from cloudhands.common.testing.processes import Process, ProcessError, running

SERVER = "import socket, sys, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(15, lambda *_: print('no')); print('up', flush=True)"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_it_is_ready_inside_the_block_and_gone_after_it() -> None:
    port = free_port()
    argv = python(SERVER.format(port=port))
    with running(argv, ready=lambda: answers(port)) as process:
        assert process.status is None
        assert answers(port)
    assert process.status == -signal.SIGTERM
    assert gone(process.pid)
    assert not answers(port)


def test_one_that_dies_early_shows_its_output() -> None:
    argv = python("import sys; print('no such thing'); sys.exit(7)")
    with (
        pytest.raises(ProcessError, match=r"ended with status 7(.|\n)*no such thing"),
        running(argv, ready=lambda: False),
    ):
        pass


def test_one_that_is_never_ready_is_stopped() -> None:
    started = time.monotonic()
    with (
        pytest.raises(ProcessError, match=r"not ready after 0\.2 s"),
        running(python("import time; time.sleep(60)"), ready=lambda: False, limit=0.2),
    ):
        pass
    assert time.monotonic() - started < 5


def test_a_check_that_cannot_connect_yet_is_tried_again(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    argv = python(f"import pathlib, time; pathlib.Path({str(flag)!r}).touch(); time.sleep(60)")
    with running(argv, ready=lambda: flag.stat().st_size == 0):
        assert flag.exists()


def test_a_stubborn_one_is_killed(tmp_path: Path) -> None:
    argv = python(STUBBORN + "\nwhile True: time.sleep(1)")
    log = tmp_path / "log"
    with running(argv, ready=lambda: "up" in log.read_text(), log=log, stop_limit=0.2) as process:
        pass
    assert process.status == -signal.SIGKILL


def test_an_error_inside_the_block_stops_it_too() -> None:
    with (
        pytest.raises(ZeroDivisionError),
        running(python("import time; time.sleep(60)")) as process,
    ):
        raise ZeroDivisionError
    assert gone(process.pid)


def test_environment_folder_and_log_are_used(tmp_path: Path) -> None:
    argv = python("import os; print(os.getcwd(), os.environ['GREETING'])")
    process = Process(argv, tmp_path / "log", environment={"GREETING": "hello"}, folder=tmp_path)
    assert process.wait(10) == 0
    assert process.output() == f"{tmp_path} hello\n"
    assert process.stop() == 0


def test_waiting_for_one_that_does_not_end() -> None:
    with running(python("import time; time.sleep(60)")) as process:
        with pytest.raises(ProcessError, match="still runs"):
            process.wait(0.1)
        assert process.kill() == -signal.SIGKILL
