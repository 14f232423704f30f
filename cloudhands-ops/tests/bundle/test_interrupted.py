"""Deployments that somebody ends, that others follow, or whose settings changed meanwhile."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cloudhands.common.errors import BundleError, DeploymentError
from cloudhands.common.testing.ports import free_port
from cloudhands.ops.bundle import verification
from cloudhands.ops.bundle.__main__ import main
from cloudhands.ops.bundle.configuring import Configuring
from cloudhands.ops.bundle.host import Host, link
from cloudhands.ops.bundle.python import last_words, look_at
from cloudhands.ops.bundle.restarting import Restarting
from cloudhands.ops.bundle.supervision import Supervision, wait


def ended(argv, line, number):
    """Run until a line that begins so, send a signal to the process alone; its status and words."""
    process = subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # These tests may run below nohup.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL) if number != signal.SIGKILL else 0,
    )
    told = []
    with process:
        for one in process.stdout:
            told.append(one)
            if one.startswith(line):
                process.send_signal(number)
    return process.returncode, told


def test_a_rollback_that_was_given_up_leads_back_later(idle, bundles):
    assert idle.run("install", bundles("1.1", schema="0017"), "--no-start").returncode == 0
    argv = idle.argv("rollback", "--no-start")
    assert ended(argv, "Switching", signal.SIGKILL)[0] == -signal.SIGKILL
    assert idle.run("install", bundles("1.1", schema="0017"), "--no-start").returncode == 0
    assert idle.host.running().before == "1.0"
    assert idle.run("rollback", "--no-start").returncode == 0
    assert idle.host.running().version == "1.0"
    # Nor does a third time take the place of the backup from before the migration.
    assert idle.run("install", bundles("1.1", schema="0017"), "--no-start").returncode == 0
    backup = json.loads((idle.host.backups / "before-1.1.backup").read_text(encoding="utf-8"))
    assert backup["revision"] == "0016"


def test_another_release_after_one_that_was_interrupted(idle, bundles):
    argv = idle.argv("install", bundles("1.1", schema="0017"), "--no-start")
    assert ended(argv, "supervisord does not run", signal.SIGKILL)[0] == -signal.SIGKILL
    assert idle.host.running().version == "1.1"
    assert "leads to 1.1 was interrupted" in idle.run("list").stdout
    assert idle.run("install", bundles("1.2", schema="0017"), "--no-start").returncode == 0
    # 1.1 never served as a whole.
    assert idle.host.running().before == "1.0"


def test_what_it_runs_ends_with_it_however_it_ends(tmp_path):
    file = tmp_path / "pid"
    text = (
        "from cloudhands.ops.bundle.python import run; "
        f"run('waiting', ['sh', '-c', 'echo $$ >{file}; exec sleep 600'])"
    )
    with subprocess.Popen([sys.executable, "-c", text]) as process:
        assert wait(lambda: file.exists() and file.read_text().endswith("\n"))
        process.kill()
    assert wait(lambda: not Path(f"/proc/{file.read_text().strip()}").exists())


def test_a_damaged_journal_is_named(idle, capsys):
    idle.host.journal.file.write_text('{"action": "ins', encoding="utf-8")
    for command in ("list", "rollback"):
        assert main([command, "--dir", str(idle.host.folder)]) == 2
        told = capsys.readouterr().err
        assert f"{idle.host.journal.file} is damaged" in told
        assert told.count("\n") == 1


def test_a_log_that_cannot_be_written_is_not_torn(idle):
    before = idle.host.log.read_bytes()
    limited = (
        "import resource, signal, sys; from cloudhands.ops.bundle.host import Host; "
        "from pathlib import Path; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) + 20},) * 2); "
        "Host(Path(sys.argv[1])).record({'action': 'rollback', 'to': '1.0', 'outcome': 'done'})"
    )
    argv = [sys.executable, "-c", limited, str(idle.host.folder)]
    assert "File too large" in subprocess.run(argv, capture_output=True, text=True).stderr
    assert idle.host.log.read_bytes() == before


def test_what_is_not_well_is_left_also_after_an_interruption(first, bundles, capsys):
    bundle = bundles("1.1", schema="0017", broken="cloud-serve")
    other = first.folder / "other.toml"
    other.write_bytes(first.config.read_bytes())
    given = ("install", bundle, "--config", other)
    assert ended(first.argv(*given), "Restarting", signal.SIGKILL)[0]
    assert first.host.running().version == "1.1"
    assert first.host.settings.readlink() == other
    again = first.run(*given)
    assert again.returncode == 3
    assert "cloud-serve:cloud-serve_00 does not stay up" in again.stderr
    assert "it is broken on purpose. 1.0 serves as before" in again.stderr
    assert set(first.versions().values()) == {"1.0"}
    assert first.host.running().version == "1.0"
    assert all(program.state == "RUNNING" for program in Supervision(first.host).programs())
    assert not first.host.journal.read()
    assert first.host.last()["outcome"] == "put back"
    assert first.host.settings.readlink() == first.config
    # Whoever did not see that, and goes back to be sure, does not go further back.
    assert main(["rollback", "--dir", str(first.host.folder)]) == 0
    assert "1.0 is used already" in capsys.readouterr().out


def test_going_back_from_what_was_interrupted_gives_the_settings_back(idle):
    other = idle.folder / "other.toml"
    other.write_text("wrong = true\n", encoding="utf-8")
    link(idle.host.settings, other)
    under_way = {"action": "install", "from": "1.0", "to": "1.1", "settings": str(idle.config)}
    idle.host.journal.note(**under_way)
    assert main(["rollback", "--no-start", "--dir", str(idle.host.folder)]) == 0
    assert idle.host.settings.readlink() == idle.config
    assert idle.host.running().version == "1.0"


def test_what_was_in_hand_and_what_failed_before(first):
    """As an interruption leaves them: who is to be believed to be well, and who need not be."""
    supervision, told = Supervision(first.host), []
    release, journal = first.host.running(), first.host.journal
    restarting = Restarting(supervision, release, journal, told.append)
    serve, *_, burst = [program.name for program in supervision.programs()]
    restarting.run(start=False)
    assert told == []
    journal.note(up=[serve, burst], failing=[serve, burst], restarting=serve)
    restarting.run(start=False)
    assert told == [f"Restarting {serve}."]

    (release.programs / burst).write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    (release.programs / "cloud-serve").write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    journal.note(restarting=burst)
    restarting.run(start=False)
    assert told[2].startswith("warning: it did not stay up before, either: cloud-burst does not")
    journal.note(failing=[])
    with pytest.raises(DeploymentError, match="cloud-burst does not"):
        restarting.run(start=False)
    journal.note(failing=[serve, burst], restarting=serve)
    with pytest.raises(DeploymentError, match=f"{serve} does not"):
        restarting.run(start=False)


KILLING = """
import sys
from pathlib import Path
from cloudhands.ops.bundle.configuring import Configuring
from cloudhands.ops.bundle.host import Host
host = Host(Path(sys.argv[1]))
Configuring(host, print).write(host.release("1.1"))
"""


def test_nginx_is_told_of_what_was_written_before_an_interruption(tmp_path):
    host = Host(tmp_path)
    programs = host.release("1.1").programs
    programs.mkdir(parents=True)
    host.deploy.mkdir()
    (host.deploy / "nginx.conf").write_text("old\n", encoding="ascii")
    text = f"#!/bin/sh\necho new > {host.deploy}/nginx.conf\nkill -KILL $PPID\n"
    (programs / "cloud-admin").write_text(text, encoding="ascii")
    (programs / "cloud-admin").chmod(0o755)
    done = subprocess.run([sys.executable, "-c", KILLING, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (host.deploy / "nginx.conf").read_text(encoding="ascii") == "new\n"
    assert host.journal.read()["nginx"] is True

    programs.joinpath("cloud-admin").write_text(text.replace("kill", ":"), encoding="ascii")
    (host.deploy / "nginx.conf").write_text("old\n", encoding="ascii")
    host.journal.end()
    with pytest.raises(DeploymentError, match="the new configuration of nginx"):
        Configuring(host, print).write(host.release("1.1"))
    assert (host.deploy / "nginx.conf").read_text(encoding="ascii") == "old\n"
    assert host.journal.read()["nginx"] is False


def test_of_a_traceback_the_end_is_told():
    told = "Traceback (most recent call last):\n  File x\nOSError: y\n"
    other = told.replace("OSError", "ValueError")
    assert last_words(f"{told}\nDuring that:\n\n{other}", 1) == "ValueError: y"
    assert last_words("1\n2\n3\n4\n", 1) == "2 / 3 / 4"


def test_a_signal_leaves_every_program_up_and_is_told(first, bundles):
    argv = first.argv("install", bundles("1.1", schema="0017"))
    status, told = ended(argv, "Restarting cloud-serve:cloud-serve_00", signal.SIGHUP)
    assert status == 128 + signal.SIGHUP
    assert told[-1] == "interrupted by SIGHUP; the same command goes on from there\n"
    assert all(program.is_up for program in Supervision(first.host).programs())

    # Nobody reads on: that is no reason to stop in the midst.
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout.readline().startswith("Verifying")
    process.stdout.close()
    assert process.wait(60) == 128 + signal.SIGPIPE
    assert set(first.versions().values()) == {"1.1"}
    assert not first.host.journal.read()


def test_stopped_for_a_migration_and_interrupted_the_old_release_serves(first, bundles):
    argv = first.argv("install", bundles("2.0", schema="0018", oldest_code="0018"), "--accept")
    status, told = ended(argv, "Stopping cloud-serve:cloud-serve_01", signal.SIGTERM)
    assert status == 128 + signal.SIGTERM
    assert any("programs of other hosts on this database" in line for line in told)
    assert first.answer() == "1.0"


def test_the_state_folder_of_another_installation_is_refused(first, bundles, tmp_path, capsys):
    given = ("--config", str(first.config), "--signers", str(first.signers))
    assert main(["install", str(bundles("1.1")), "--dir", str(tmp_path / "other"), *given]) == 1
    refusal = capsys.readouterr().err
    assert "is another installation's, whose supervisord runs" in refusal
    assert str(first.host.programs / "cloud-") in refusal
    assert set(first.versions().values()) == {"1.0"}


def test_a_folder_that_changed_is_refused_and_a_socket_that_did_holds_up_nothing(first, bundles):
    first.state = first.folder / "elsewhere"
    first.state.mkdir()
    first.write()
    refused = first.run("install", bundles("1.1", schema="0017"))
    assert refused.returncode == 1
    assert "stop it first" in refused.stderr
    assert not list(first.state.glob("database*"))

    first.state = first.folder / "state"
    before, first.port = first.port, free_port()
    first.write()
    # As if nginx were new, too: there is none to be told of anything.
    first.host.journal.note(nginx=True)
    done = first.run("install", bundles("1.1", schema="0017"))
    assert done.returncode == 0, done.stderr
    assert "has changed for cloud-serve, which go on as before" in done.stdout
    assert "supervisorctl -c" in done.stdout
    assert "update cloud-serve" in done.stdout
    first.port = before
    assert first.answer() == "1.1"


def test_a_file_that_is_exchanged_after_the_proof(bundles, keys, tmp_path, site):
    bundle = verification.verified(bundles("1.0"), keys["ours"][1], site.signers, unsigned=False)
    (tmp_path / "copy").mkdir()
    copy = verification.copied(bundle, look_at(None), tmp_path / "copy")
    assert (copy.wheel("pip")).read_bytes() == bundle.wheel("pip").read_bytes()
    (copy.folder / "requirements.txt").write_text("evil\n", encoding="utf-8")
    (tmp_path / "again").mkdir()
    with pytest.raises(BundleError, match=r"requirements.txt was changed while it was read"):
        verification.copied(copy, look_at(None), tmp_path / "again")


FILLING = """
import os, shutil, subprocess, sys
folder, *argv = sys.argv[1:]
process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
for told in process.stdout:
    print(told, end="")
    if told.startswith("Making"):
        with open(f"{folder}/filler", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(folder).free - 60_000)
assert process.wait() in (2, 3)
os.unlink(f"{folder}/filler")
sys.exit(subprocess.run(argv, stdout=subprocess.DEVNULL).returncode)
"""


def test_a_disk_that_fills_up_meanwhile(site, bundles):
    """And the same command, once there is room again."""
    given = ("--config", site.config, "--signers", site.signers, "--no-start")
    argv = site.argv("install", bundles("1.0"), *given)
    alone = ["unshare", "--mount", "--map-root-user"]
    if subprocess.run([*alone, "mount", "-t", "tmpfs", "none", "/mnt"], check=False).returncode:
        pytest.skip("this kernel lets nobody mount in a namespace of their own")
    script = 'mkdir -p "$1" && mount -t tmpfs -o size=70m none "$1" && shift && exec "$@"'
    filling = [sys.executable, "-c", FILLING, str(site.host.folder), *argv]
    done = subprocess.run(
        [*alone, "sh", "-c", script, "sh", str(site.host.folder), *filling],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = done.stdout.splitlines()[-1]
    assert "/venv: the disk is full: make room. Nothing was switched: nothing is in use" in told
