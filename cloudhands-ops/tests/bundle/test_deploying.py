"""An installation from the first release to the next one and back, with a real supervisord."""

import json

ALL = ("cloud-burst", "cloud-index", "cloud-serve:cloud-serve_00", "cloud-serve:cloud-serve_01")


def test_a_second_release_and_back(first, bundles):
    second = first.run("install", bundles("1.1", schema="0017"))
    assert second.returncode == 0, second.stderr + second.stdout
    assert first.answer() == "1.1"
    assert first.versions() == dict.fromkeys(ALL, "1.1")
    assert first.done() == ["1.0 upgrade", "1.1 backup", "1.1 upgrade"]

    again = first.run("install", bundles("1.1", schema="0017"))
    assert again.returncode == 0
    assert "installed and used already" in again.stdout
    assert first.done()[3:] == []

    back = first.run("rollback", "--json")
    assert back.returncode == 0, back.stderr
    assert json.loads(back.stdout) == {"version": "1.0", "before": "1.1", "changed": True}
    assert first.versions() == dict.fromkeys(ALL, "1.0")
    again = first.run("rollback")
    assert again.returncode == 0
    assert "1.0 is used already: nothing is to be done" in again.stdout

    listed = json.loads(first.run("list", "--json").stdout)
    assert [(one["version"], one["is_used"]) for one in listed["releases"]] == [
        ("1.0", True),
        ("1.1", False),
    ]
    log = (first.host.folder / "deployments.log").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["action"] for line in log] == ["install", "install", "rollback"]


def test_installed_again_where_nothing_runs_it_starts(idle, bundles):
    serve = idle.host.running().programs / "cloud-serve"
    text = serve.read_bytes()
    serve.write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    broken = idle.run("install", bundles("1.0"))
    assert broken.returncode == 3
    assert "Starting supervisord" in broken.stdout
    assert "cloud-serve:cloud-serve_00 does not" in broken.stderr
    assert "1.0 was in use before, too: mend that, then run this again" in broken.stderr
    serve.write_bytes(text)
    done = idle.run("install", bundles("1.0"))
    assert done.returncode == 0, done.stderr
    assert idle.answer() == "1.0"
    assert idle.done() == ["1.0 upgrade"]
    assert "used already" in idle.run("rollback", "--to", "1.0").stdout


def test_supervisords_environment_is_renewed_where_nothing_runs_from_it(idle, bundles):
    (idle.host.supervisor / "requirements.txt").write_text("supervisor==1\n", encoding="utf-8")
    told = idle.run("install", bundles("1.0"), "--no-start")
    assert "Making the environment of supervisord" in told.stdout, told.stderr
    assert idle.host.running().before is None  # and not itself
    assert "nothing is to be done" in idle.run("install", bundles("1.0"), "--no-start").stdout
