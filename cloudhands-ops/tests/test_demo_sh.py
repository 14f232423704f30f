import hashlib
import os
import platform
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cloudhands.common.testing.ports import LOOPBACK
from cloudhands.ops.demo.testing import demonstration

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "demo.sh"

# Answers what tools/require-python.sh asks.
FAKE_PYTHON = """#!/bin/sh
case "$*" in
    *platform*) echo {version} ;;
    *version_info*) exit {too_old} ;;
    *ensurepip*) exit {no_venv} ;;
    *executable*) echo "$0" ;;
    *) exit 1 ;;
esac
"""


def run(*argv, demo_sh=DEMO, **environment):
    return subprocess.run(
        [demo_sh, *argv],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def fake_python(folder, version="3.11.2", too_old=0, no_venv=0):
    program = folder / "python"
    text = FAKE_PYTHON.format(version=version, too_old=too_old, no_venv=no_venv)
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    return str(program)


def pretend_installed(folder, root=ROOT):
    """Make the folder look as after an installation, with the present environment in its place."""
    (folder / "venv" / "bin").mkdir(parents=True)
    (folder / ".made-by-demo.sh").touch()
    python = folder / "venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    made_from = [
        ROOT / "requirements" / "demo.txt",
        ROOT / "VERSION",
        *sorted(ROOT.glob("cloudhands-*/pyproject.toml")),
        *sorted(ROOT.glob("cloudhands-*/setup.py")),
    ]
    origin = f"{root} Python {platform.python_version()}\n".encode()
    origin += b"".join(file.read_bytes() for file in made_from)
    stamp = f"{hashlib.sha256(origin).hexdigest()}  -\n"
    (folder / "venv" / ".origin").write_text(stamp, encoding="ascii")


# --- What is refused, in one line ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["up"], "unknown argument: up"),
        (["--verbose"], "unknown argument: --verbose"),
        ([""], "unknown argument: "),
        (["stop", "status"], "one command at a time"),
        (["reset", "--story"], "--story goes with no other command"),
        (["--dir"], "--dir needs a folder"),
        (["--dir", ""], "--dir needs a folder"),
        (["--port"], "--port needs a number"),
        (["--port", "0"], "--port needs a number"),
        (["--port", "65536"], "--port needs a number"),
        (["--port", "http"], "--port needs a number"),
    ],
)
def test_a_wrong_argument_ends_with_2_and_one_line(argv, said):
    result = run(*argv)
    assert result.returncode == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"version": "3.10.12", "too_old": 1}, "is 3.10.12: set PYTHON to a later one"),
        ({"no_venv": 1}, "cannot make virtual environments"),
    ],
)
def test_a_python_that_will_not_do_is_one_line(tmp_path, made, said):
    python = fake_python(tmp_path, **made)
    result = run("--dir", str(tmp_path / "demo"), PYTHON=python)
    assert result.returncode == 1
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "demo").exists()


def test_a_python_that_is_not_there_is_one_line(tmp_path):
    result = run("--dir", str(tmp_path / "demo"), PYTHON=str(tmp_path / "absent"))
    assert result.returncode == 1
    assert "absent is not there" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    result = run("--dir", str(tmp_path / "file" / "demo"))
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "--dir" in result.stderr


def test_a_virtual_environment_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "theirs").touch()
    result = run("--dir", str(tmp_path))
    assert result.returncode == 1
    assert "was not made by demo.sh" in result.stderr
    assert (tmp_path / "venv" / "theirs").exists()


def test_an_installation_that_fails_says_so_and_is_tried_again(tmp_path):
    # Its venv module does nothing but fail.
    python = fake_python(tmp_path)
    for _ in range(2):
        result = run("--dir", str(tmp_path / "demo"), PYTHON=python)
        assert result.returncode == 1
        assert "the installation failed" in result.stderr


# --- What it does --------------------------------------------------------------------------------


def test_help_names_every_command_and_option():
    result = run("--help")
    assert result.returncode == 0
    for word in ("status", "stop", "reset", "--story", "--dir", "--port", "PYTHON"):
        assert word in result.stdout


@pytest.mark.parametrize(("command", "status"), [("status", 3), ("stop", 0), ("reset", 0)])
def test_commands_on_what_was_never_installed(tmp_path, command, status):
    result = run(command, "--dir", str(tmp_path / "demo"))
    assert result.returncode == status
    assert "There is no demonstration" in result.stdout
    assert not (tmp_path / "demo").exists()


@pytest.fixture
def demo():
    with demonstration() as made:
        pretend_installed(made.place.folder)
        yield made


def test_a_busy_port_is_one_line_that_names_it(demo):
    with socket.create_server((LOOPBACK, 0)) as busy:
        port = str(busy.getsockname()[1])
        result = run("--dir", str(demo.place.folder), "--port", port, PYTHON=sys.executable)
    assert result.returncode == 1
    assert f"port {port} cannot be used" in result.stderr
    assert result.stderr.count("\n") == 1


# Tells what it was asked for, and could not have it.
NO_PACKAGES = """#!/bin/sh
echo "asked for $*" >&2
exit 1
"""


def checkout_without_packages(folder):
    """A checkout like this one, where system-packages.sh installs nothing."""
    (folder / "tools").mkdir(parents=True)
    others = [*ROOT.glob("cloudhands-*"), *map(ROOT.joinpath, ("demo.sh", "VERSION"))]
    for original in [*others, ROOT / "requirements", ROOT / "tools" / "require-python.sh"]:
        (folder / original.relative_to(ROOT)).symlink_to(original)
    script = folder / "tools" / "system-packages.sh"
    script.write_text(NO_PACKAGES, encoding="utf-8")
    script.chmod(0o755)
    return folder


@pytest.mark.parametrize("story", [[], ["--story"]])
def test_missing_packages_are_asked_for_at_every_start_and_done_without(tmp_path, story):
    root = checkout_without_packages(tmp_path / "checkout")
    folder = tmp_path / "demo"
    pretend_installed(folder, root)
    with socket.create_server((LOOPBACK, 0)) as busy:
        argv = [*story, "--dir", str(folder), "--port", str(busy.getsockname()[1])]
        result = run(*argv, demo_sh=root / "demo.sh", PYTHON=sys.executable)
    assert result.stdout == "asked for slapd nginx\n"
    # It went on to where the port is needed.
    assert "cannot be used" in result.stderr
    assert result.stderr.count("\n") == 1


def test_up_status_stop_reset(demo):
    folder = str(demo.place.folder)
    up = run("--dir", folder, "--port", str(demo.port), PYTHON=sys.executable)
    assert up.returncode == 0, up.stderr
    assert f"http://127.0.0.1:{demo.port}/" in up.stdout
    assert "Installing" not in up.stdout
    assert run("status", "--dir", folder).returncode == 0
    assert run("stop", "--dir", folder).returncode == 0
    assert run("status", "--dir", folder).returncode == 3
    assert run("reset", "--dir", folder).returncode == 0
    assert not demo.place.state.exists()
    assert (demo.place.folder / "venv").exists()
