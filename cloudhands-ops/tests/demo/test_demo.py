import os
import re
import shlex
import signal
import socket
import subprocess
import sysconfig
import time
from pathlib import Path

import httpx
import pytest

from cloudhands.common.testing import programs
from cloudhands.common.testing.ports import LOOPBACK, answers
from cloudhands.common.testing.programs import require
from cloudhands.ops.demo import configuration
from cloudhands.ops.demo.main import main
from cloudhands.ops.demo.place import Place
from cloudhands.ops.demo.testing import Demonstration, demonstration

SERVING = {"cloud-serve:cloud-serve_00", "cloud-serve:cloud-serve_01"}
FRONT = {"nginx"} if programs.find("nginx") else set()
PROGRAMS = {"cloud-burst", "cloud-index", "directory"} | SERVING | FRONT
TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial" / "demo.rst"


@pytest.fixture(scope="module")
def demo():
    with demonstration() as made:
        result = made.run("up", "--port", str(made.port))
        assert result.returncode == 0, result.stderr
        yield made


@pytest.fixture
def other():
    with demonstration() as made:
        yield made


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until(check, seconds=30):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.1)


# --- up ------------------------------------------------------------------------------------------


def test_the_portal_answers_and_every_program_runs(demo):
    assert httpx.get(configuration.address(demo.port), trust_env=False).status_code == 200
    assert set(demo.pids()) == PROGRAMS


def test_up_again_changes_nothing_and_tells_the_same(demo):
    before = demo.pids()
    result = demo.run("up")
    assert result.returncode == 0
    assert demo.pids() == before
    assert result.stdout == demo.place.summary.read_text(encoding="utf-8")


def test_the_summary_has_the_address_the_sign_ins_and_the_supervisorctl_line(demo):
    told = demo.run("up").stdout
    assert f"http://127.0.0.1:{demo.port}/" in told
    for uid in ("pi", "ghopper", "aturing"):
        assert f"\n  {uid} " in told
    assert demo.place.password.read_text(encoding="ascii").strip() in told
    assert f"supervisorctl -c {demo.place.supervisord} status" in told


def commands_of_the_tutorial():
    """Those that look at a demonstration that is up: how it comes up and goes is tested below."""
    lines = re.findall(r"^   \$ (.+)$", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) > 12
    return [line for line in lines if line.startswith((".demo/", "curl "))]


def test_the_tutorials_commands_do_what_it_says(demo):
    lines = commands_of_the_tutorial()
    assert {"supervisorctl", "cloud-admin", "cloud-index"} <= {
        shlex.split(line)[0].rpartition("/")[2] for line in lines
    }
    before = demo.pids()["cloud-burst"]
    for line in lines:
        here = line.replace(".demo/venv/bin/", f"{sysconfig.get_path('scripts')}/")
        here = here.replace(".demo/", f"{demo.place.folder}/").replace(":8080", f":{demo.port}")
        done = subprocess.run(
            shlex.split(here), capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stdout != "") == (0, True), (line, done)
    until(lambda: demo.pids()["cloud-burst"] not in (0, before))


def test_secrets_are_for_their_owner_alone(demo):
    assert demo.place.state.stat().st_mode & 0o077 == 0
    assert demo.place.password.stat().st_mode & 0o077 == 0
    assert demo.place.summary.stat().st_mode & 0o077 == 0


def test_another_port_is_refused_while_it_runs(demo):
    result = demo.run("up", "--port", "1")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert f"running on port {demo.port}" in result.stderr


@pytest.mark.parametrize("noted", ["another release", None])
def test_up_after_a_change_of_the_code_starts_everything_again_and_keeps_the_rest(demo, noted):
    before = demo.pids()
    password = demo.place.password.read_text(encoding="ascii")
    kept = demo.place.state / "kept"
    kept.touch()
    demo.place.release.unlink()
    if noted:
        demo.place.release.write_text(noted, encoding="ascii")
    result = demo.run("up")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("The code has changed: starting again.\n")
    after = demo.pids()
    assert set(after) == PROGRAMS
    assert not set(after.values()) & set(before.values())
    assert not any(map(is_alive, before.values()))
    assert configuration.port(demo.place) == demo.port
    assert demo.place.password.read_text(encoding="ascii") == password
    assert kept.exists()
    assert "has changed" not in demo.run("up").stdout


def test_an_interrupt_is_one_line(other):
    argv = other.argv("up", "--port", str(other.port))
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline().startswith("Setting up")
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1]
    # Where the signal came within an exec() of some library's, Python ends itself by it, too: to a
    # shell that is 130 as well.
    assert process.returncode in (130, -signal.SIGINT)
    assert said == "demo: interrupted; 'demo.sh status' tells what runs\n"


def test_up_starts_what_somebody_stopped(demo):
    pid = demo.pids()["cloud-burst"]
    control = demo.place.layout.programs / "supervisorctl"
    stop = [str(control), "-c", str(demo.place.supervisord), "stop", "cloud-burst"]
    os.spawnv(os.P_WAIT, stop[0], stop)
    assert demo.run("status").returncode == 3
    assert demo.run("up").returncode == 0
    assert demo.pids()["cloud-burst"] not in (0, pid)


def test_a_busy_port_is_one_line_that_names_it(other):
    with socket.create_server((LOOPBACK, 0)) as busy:
        port = busy.getsockname()[1]
        result = other.run("up", "--port", str(port))
    assert result.returncode == 1
    assert result.stderr == (
        f"demo: port {port} cannot be used (Address already in use): name another with --port\n"
    )


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "²"])
def test_what_is_no_port_is_refused(other, port):
    result = other.run("up", "--port", port)
    assert result.returncode == 2
    assert "--port" in result.stderr


def test_a_folder_that_is_somebody_elses_is_left_alone(other):
    theirs = other.place.state / "thesis.tex"
    theirs.parent.mkdir()
    theirs.write_text("Chapter 1", encoding="utf-8")
    for command in ("up", "reset"):
        result = other.run(command)
        assert result.returncode == 1
        assert result.stderr.count("\n") == 1
    assert theirs.read_text(encoding="utf-8") == "Chapter 1"


def test_a_folder_too_deep_for_a_socket_is_one_line(other):
    deep = Demonstration(Place(other.place.folder / ("deep" * 25)), other.port)
    result = deep.run("up", "--port", str(deep.port))
    assert result.returncode == 1
    assert "too long for a socket" in result.stderr


def test_what_the_shell_has_set_does_not_change_it(demo, monkeypatch):
    monkeypatch.setenv("CLOUDHANDS_PORTAL__PORT", "1")
    monkeypatch.setenv("CLOUDHANDS_NONSENSE", "x")
    assert demo.run("status").returncode == 0


# --- in front of the portal ----------------------------------------------------------------------


def test_nginx_is_the_front_where_it_is_installed(demo):
    require("nginx")
    assert "nginx stands in front of it" in demo.run("up").stdout
    answer = httpx.get(configuration.address(demo.port), trust_env=False)
    assert answer.headers["Server"] == "nginx"


def test_without_nginx_the_portal_is_served_directly_and_it_says_so(other, monkeypatch, capsys):
    find = programs.find
    monkeypatch.setattr(programs, "find", lambda name: None if name == "nginx" else find(name))
    assert main(["up", "--dir", str(other.place.folder), "--port", str(other.port)]) == 0
    assert "served directly, without nginx" in capsys.readouterr().out
    assert set(other.pids()) == PROGRAMS - {"nginx"}
    answer = httpx.get(configuration.address(other.port), trust_env=False)
    assert (answer.status_code, answer.headers.get("Server")) == (200, None)
    assert other.run("status").returncode == 0


@pytest.mark.parametrize("victim", ["nginx", "its master"])
def test_a_killed_nginx_is_back_within_seconds_with_nothing_left_of_it(demo, victim):
    require("nginx")
    before = demo.pids()["nginx"]
    master = int((demo.place.layout.run / "nginx.pid").read_text(encoding="ascii"))
    os.kill(before if victim == "nginx" else master, signal.SIGKILL)

    def is_back():
        answers_again = (
            demo.pids()["nginx"] not in (0, before) and not demo.run("status").returncode
        )
        return answers_again and not is_alive(master)

    until(is_back, seconds=10)
    answer = httpx.get(configuration.address(demo.port), trust_env=False)
    assert (answer.status_code, answer.headers["Server"]) == (200, "nginx")


# --- status, stop, reset -------------------------------------------------------------------------


def test_status_names_every_program(demo):
    result = demo.run("status")
    assert result.returncode == 0
    for name in PROGRAMS:
        assert f"{name:26} RUNNING" in result.stdout


def test_a_killed_program_is_back_within_seconds(demo):
    before = demo.pids()["cloud-index"]
    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while demo.pids()["cloud-index"] in (0, before):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize(("command", "status"), [("status", 3), ("stop", 0), ("reset", 0)])
def test_commands_on_what_was_never_made(other, command, status):
    result = other.run(command)
    assert result.returncode == status
    assert not result.stderr
    assert not other.place.state.exists()


def test_stop_ends_every_process_and_up_brings_the_same_back(demo):
    pids = demo.pids()
    password = demo.place.password.read_text(encoding="ascii")
    assert demo.run("stop").returncode == 0
    assert not any(map(is_alive, pids.values()))
    assert not answers(demo.port)
    assert demo.run("stop").returncode == 0
    assert demo.run("status").returncode == 3
    assert demo.run("up").returncode == 0
    assert demo.place.password.read_text(encoding="ascii") == password
    assert demo.run("status").returncode == 0


def test_reset_stops_and_removes_everything(demo):
    pids = demo.pids()
    assert demo.run("reset").returncode == 0
    assert not demo.place.state.exists()
    assert not any(map(is_alive, pids.values()))
    assert demo.run("reset").returncode == 0


# --- a killed supervisord ------------------------------------------------------------------------


def test_what_a_killed_supervisord_leaves_ends_and_up_brings_it_back(other):
    assert other.run("up", "--port", str(other.port)).returncode == 0
    pids = [pid for pid in other.pids().values() if pid]
    assert len(pids) == len(PROGRAMS)
    supervisord = int(other.place.layout.pid_file.read_text(encoding="ascii"))
    os.kill(supervisord, signal.SIGKILL)
    until(lambda: not any(map(is_alive, pids)))
    assert not answers(other.port)
    assert other.run("up").returncode == 0
    assert set(other.pids()) == PROGRAMS
