import os
import signal
import subprocess
import sysconfig
import tempfile
import time
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from cloudhands.common.errors import ConfigurationError
from cloudhands.common.settings import Portal
from cloudhands.common.testing.ports import free_port
from cloudhands.common.testing.processes import running
from cloudhands.ops.deploy import files

SCRIPTS = Path(sysconfig.get_path("scripts"))
# Each program's name for supervisorctl, and how it is started besides the settings file.
STARTED = {
    "cloud-index": "",
    "cloud-burst": "",
    "cloud-serve:cloud-serve_00": " --fd 0",
    "cloud-serve:cloud-serve_01": " --fd 0",
}

# Stands in for each program: tells its arguments and what it inherits, and ends on TERM.
STAND_IN = """#!/bin/sh
echo "started with $*"
readlink /proc/self/fd/0
trap 'exit 0' TERM
while :; do sleep 0.05; done
"""


@pytest.fixture
def layout():
    # A short path, for the socket, with what a shell takes for its own.
    with tempfile.TemporaryDirectory(prefix="c d'$(e)", dir="/tmp") as folder:
        programs = Path(folder, "bin")
        programs.mkdir()
        for name in ("cloud-index", "cloud-burst", "cloud-serve"):
            (programs / name).write_text(STAND_IN, encoding="utf-8")
            (programs / name).chmod(0o755)
        yield files.Layout(Path(folder, "my settings.toml"), Path(folder, "state"), programs)


def control(config, *argv):
    return subprocess.run(
        [SCRIPTS / "supervisorctl", "-c", config, *argv],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def wait_until(check, limit=10):
    deadline = time.monotonic() + limit
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def pid_of(config, name):
    return int(control(config, "pid", name).stdout)


def write(layout, portal=None):
    portal = portal or Portal(port=free_port())
    files.write(layout, portal, layout.state)
    return layout.state / files.SUPERVISORD


@pytest.fixture
def config(layout):
    file = write(layout)
    argv = [str(SCRIPTS / "supervisord"), "-n", "-c", str(file)]
    with running(argv, ready=lambda: control(file, "status").returncode == 0, stop_limit=20):
        yield file


def told(layout, name):
    """What the stand-in told of itself: its arguments, and what its standard input is.

    supervisord calls a program RUNNING before the program has said anything.
    """
    file = layout.logs / f"{name.rpartition(':')[2]}.log"
    wait_until(lambda: file.read_text(encoding="utf-8").count("\n") >= 2)
    return file.read_text(encoding="utf-8").splitlines()


def test_each_program_runs_with_the_settings_file(layout, config):
    for name, more in STARTED.items():
        started, stdin = told(layout, name)
        assert started == f"started with --config {layout.config}{more}"
        assert stdin.startswith("socket:") == bool(more)


def test_the_portals_processes_have_one_socket(layout, config):
    first, second = (told(layout, name)[1] for name in list(STARTED)[2:])
    assert first == second


def test_as_many_processes_serve_as_the_settings_say(layout):
    file = write(layout, Portal(port=free_port(), processes=3))
    argv = [str(SCRIPTS / "supervisord"), "-n", "-c", str(file)]
    with running(argv, ready=lambda: control(file, "status").returncode == 0, stop_limit=20):
        assert pid_of(file, "cloud-serve:cloud-serve_02")


def test_a_host_that_supervisord_cannot_listen_on_is_refused(layout):
    with pytest.raises(ConfigurationError, match=r"portal\.nginx = true"):
        write(layout, Portal(host="::1"))


def test_only_its_owner_may_speak_to_supervisord(layout, config):
    assert layout.socket.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", STARTED)
def test_a_killed_program_is_started_again_at_once(config, name):
    before = pid_of(config, name)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: pid_of(config, name) not in (0, before), limit=3)
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)


def test_a_program_that_is_asked_to_stop_stays_stopped(config):
    assert "stopped" in control(config, "stop", "cloud-burst").stdout
    assert "STOPPED" in control(config, "status", "cloud-burst").stdout


def test_an_installation_adds_programs_of_its_own(layout):
    (layout.state / "conf.d").mkdir(parents=True)
    (layout.state / "conf.d" / "extra.conf").write_text(
        "[program:extra]\ncommand=/bin/sleep 60\nstartsecs=0\n", encoding="utf-8"
    )
    file = write(layout)
    argv = [str(SCRIPTS / "supervisord"), "-n", "-c", str(file)]
    with running(argv, ready=lambda: control(file, "status").returncode == 0, stop_limit=20):
        assert pid_of(file, "extra")


def test_a_name_that_a_template_lacks_is_an_error():
    with pytest.raises(UndefinedError):
        files.render("supervisord.conf.jinja")
