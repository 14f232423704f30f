"""The process `cloud-serve`: it starts, answers, says what is wrong, and stops cleanly."""

import signal
import socket
import subprocess
import sys
import threading
import time
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from cloudhands.common.settings import load
from cloudhands.common.testing.databases import put_key
from cloudhands.common.testing.ports import answers, free_port
from cloudhands.common.testing.processes import running
from cloudhands.web import serve

PROGRAM = str(Path(sys.executable).with_name("cloud-serve"))


def arguments(sqlite_url, tmp_path, port):
    return [
        PROGRAM,
        f"--set=database.url={sqlite_url}",
        f"--set=state={tmp_path}",
        f"--set=portal.port={port}",
    ]


def once(*argv):
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


def test_it_answers_and_stops_on_sigterm(sqlite_url, tmp_path):
    port = free_port()
    argv = arguments(sqlite_url, tmp_path, port)
    with running(argv, ready=lambda: answers(port), limit=30) as process:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            assert client.get("/").status_code == 200
            started = time.monotonic()
            process.stop(by=signal.SIGTERM)
        assert time.monotonic() - started < 10
        assert process.status == 0


def test_a_request_in_hand_is_answered_before_it_stops(sqlite_url, tmp_path):
    port = free_port()
    argv = arguments(sqlite_url, tmp_path, port)
    with running(argv, ready=lambda: answers(port), limit=30) as process:
        with socket.create_connection(("127.0.0.1", port)) as client:
            body = b"uid=nobody&password=wrong"
            head = (
                "POST /sign-in HTTP/1.1\r\nHost: portal.test\r\nConnection: close\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            client.sendall(head.encode() + body)
            stopper = threading.Thread(target=process.stop)
            stopper.start()
            answer = client.makefile("rb").read()
            stopper.join()
        assert answer.startswith(b"HTTP/1.1 403")
        assert answer.rstrip().endswith(b"</html>")
        assert process.status == 0


def test_a_frozen_portal_does_not_hold_its_locks_for_ever(postgresql_url, tmp_path):
    put_key(tmp_path / "server.key")
    settings = load(
        defaults={"state": str(tmp_path), "database": {"url": postgresql_url}}, environment={}
    )
    with (
        serve.services(settings, threading.Event()) as services,
        services.database.writing() as session,
    ):
        timeout = session.scalar(text("SHOW idle_in_transaction_session_timeout"))
    assert timeout == f"{serve.IDLE_SECONDS:.0f}s"


def test_a_busy_port(sqlite_url, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = once(*arguments(sqlite_url, tmp_path, port))
    assert done.returncode == 2
    assert f"portal.port {port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_is_not_upgraded(tmp_path):
    done = once(*arguments(f"sqlite:///{tmp_path}/new.db", tmp_path, free_port()))
    assert done.returncode == 2
    assert "cloud-admin db upgrade" in done.stderr


def test_a_wrong_setting(tmp_path):
    file = tmp_path / "cloudhands.toml"
    file.write_text('[portal]\nprot = 8080\nthreads = "many"\n')
    done = once(PROGRAM, "--config", str(file))
    assert done.returncode == 2
    assert f"portal.prot ({file}, line 2): there is no such setting" in done.stderr
    assert f"portal.threads ({file}, line 3)" in done.stderr


@pytest.mark.parametrize("program", ["cloud-serve", "cloud-index", "cloud-burst", "cloud-admin"])
def test_version_and_help(program):
    path = Path(sys.executable).with_name(program)
    (told,) = once(path, "--version").stdout.splitlines()
    assert told.startswith(f"{program} {version('cloudhands-common')} (revision ")
    shown = once(path, "--help").stdout
    for option in ("--config", "--log-level", "--version"):
        assert option in shown
