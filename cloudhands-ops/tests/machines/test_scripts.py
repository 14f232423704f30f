"""The scripts of a machine alone, as any user may run them."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from cloudhands.common.testing.ports import free_port

UUID = "7f8a6c1e-0000-4000-8000-000000000001"
MARK = '# "tag-1"'
ANSWER = f"{MARK}\nssh-ed25519 ONE\nssh-ed25519 TWO\n"
KEYS = "ssh-ed25519 ONE\nssh-ed25519 TWO\n"
SEED = "ssh-ed25519 SEED"


def keys(told):
    return "".join(f"{line}\n" for line in told.splitlines() if line and line[0] != "#")


@pytest.fixture(params=["curl", "python3"])
def ready(request, machine, stand_in):
    """A machine that is set up, and has one of the two programs that can ask."""
    if request.param == "python3":
        only(machine)
    machine.set_up(stand_in.address, UUID, keys=(SEED,))
    return machine


def only(machine):
    """Leave the scripts no other programs than these: no curl."""
    for name in ("sh", "cat", "find", "grep", "mktemp", "mv", "rm", "sed", "tail", "touch", "tr"):
        (machine.programs / name).symlink_to(shutil.which(name, path="/usr/bin:/bin"))
    (machine.programs / "python3").symlink_to(sys.executable)
    machine.layout = replace(machine.layout, path=str(machine.programs))
    # This Python may be in a folder that is closed to everybody else.
    machine.asker = None


def test_what_the_portal_says_is_printed_and_kept(ready, stand_in):
    stand_in.answer = (200, ANSWER)
    assert keys(ready.asked()) == KEYS
    assert keys(ready.kept.read_text()) == KEYS
    assert stand_in.asked == [(f"/appliances/{UUID}/authorized-keys", None, "")]
    stand_in.answer = (304, "")
    assert keys(ready.asked()) == KEYS
    assert stand_in.asked[1][1] == '"tag-1"'
    assert [*Path(ready.layout.state).iterdir()] == [ready.kept]
    assert ready.kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "answer",
    [
        (500, "x"),
        (502, ""),
        (503, ANSWER),
        (429, ""),
        (200, "<html>Sign in here</html>"),
        (200, ""),
    ],
)
def test_the_last_answer_counts_while_nobody_answers(ready, stand_in, answer):
    stand_in.answer = (200, ANSWER)
    ready.asked()
    stand_in.answer = answer
    assert keys(ready.asked()) == KEYS
    old = ready.kept.stat().st_mtime - 25 * 3600
    os.utime(ready.kept, (old, old))
    assert ready.asked() == ""


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_closes_also_for_later(ready, stand_in, status):
    assert keys(ready.asked()) == f"{SEED}\n"  # 200, but not the portal's
    stand_in.answer = (status, ANSWER)
    assert ready.asked() == ""
    stand_in.answer = (500, "")
    assert ready.asked() == ""


def test_an_empty_list_lets_nobody_in_also_later(ready, stand_in):
    stand_in.answer = (200, f"{MARK}\n")
    assert keys(ready.asked()) == ""
    stand_in.answer = (503, "")
    assert keys(ready.asked()) == ""


def test_the_keys_of_the_launch_count_before_the_first_answer(ready):
    ready.set_up(f"http://127.0.0.1:{free_port()}", UUID, keys=(SEED,))
    assert ready.asked() == f"{SEED}\n"


def test_another_account_is_let_in_by_nobody(machine, stand_in):
    stand_in.answer = (200, ANSWER)
    machine.set_up(stand_in.address, UUID)
    for account in ("root2", "$(id)", "-n"):
        assert machine.asked(account) == ""
    assert stand_in.asked == []


def test_what_cannot_be_kept_does_not_keep_what_was_before(machine, stand_in):
    machine.set_up(stand_in.address, UUID, keys=(SEED,))
    machine.put("mv", "exit 1")
    stand_in.answer = (200, ANSWER)
    assert keys(machine.asked()) == KEYS
    assert [*Path(machine.layout.state).iterdir()] == []


def test_the_token_is_in_no_command_line(machine, stand_in):
    machine.set_up(stand_in.address, UUID)
    notes = Path(machine.layout.state, "notes")
    machine.put("curl", f'echo "$@" >>{notes}; env >>{notes}')
    machine.asked()
    token = Path(machine.layout.etc, "authorization").read_text().split()[-1]
    assert len(token) == 64
    assert "authorized-keys" in notes.read_text()
    assert token not in notes.read_text()


def report(machine):
    subprocess.run([f"{machine.layout.sbin}/cloudhands-report"], timeout=60, check=True, env={})


def asks(machine):
    command = f"{machine.layout.sbin}/cloudhands-authorized-keys"
    machine.put("sshd", f"echo authorizedkeyscommand {command}")


def test_the_end_of_the_set_up_is_reported_until_it_is_heard(ready, stand_in):
    ready.put("cloud-init", "exit 0")
    asks(ready)
    stand_in.answer = (503, "")
    marker = Path(ready.layout.state, "slept")
    ready.put("sleep", f'echo "$1" >>{marker}')
    Path(ready.layout.log).write_bytes(b"first\n" * 100 + "Z\u00fcrich \x1b[1m=&+%\n".encode())
    script = subprocess.Popen([f"{ready.layout.sbin}/cloudhands-report"], env={})
    try:
        while not marker.exists() or len(marker.read_text().split()) < 3:
            assert script.poll() is None
        stand_in.answer = (204, "")
        assert script.wait(60) == 0
    finally:
        script.kill()
        script.wait()
    assert marker.read_text().split()[:3] == ["2", "4", "8"]
    assert Path(ready.layout.state, "reported").exists()
    path, _, body = stand_in.asked[-1]
    assert path == f"/appliances/{UUID}/report"
    said = parse_qs(body)
    assert said["state"] == ["ready"]
    assert said["log"][0].endswith("first\nZrich [1m=&+%\n")


@pytest.mark.parametrize("status", [204, 401, 409])
def test_a_failed_set_up_is_reported_once(machine, stand_in, status):
    machine.put("cloud-init", "exit 1")
    asks(machine)
    stand_in.answer = (status, "")
    machine.set_up(stand_in.address, UUID)
    report(machine)
    assert [parse_qs(body)["state"] for _, _, body in stand_in.asked] == [["failed"]]


def test_an_sshd_that_does_not_ask_is_a_failure(machine, stand_in):
    machine.put("cloud-init", "exit 0")
    machine.put("sshd", "echo authorizedkeyscommand none")
    stand_in.answer = (204, "")
    machine.set_up(stand_in.address, UUID)
    report(machine)
    ((_, _, body),) = stand_in.asked
    said = parse_qs(body)
    assert said["state"] == ["failed"]
    assert "sshd does not ask the portal" in said["log"][0]
