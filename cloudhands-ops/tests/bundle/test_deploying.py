"""An installation from the first release to the next one and back, with a real supervisord."""

import json

ALL = ("cloud-burst", "cloud-index", "cloud-serve:cloud-serve_00", "cloud-serve:cloud-serve_01")


def test_a_first_release_a_second_one_and_back(site, bundles):
    first = site.install(bundles("1.0"))
    assert first.returncode == 0, first.stderr + first.stdout
    assert site.answer() == "1.0"
    assert site.done() == ["1.0 upgrade"]
    assert "revision" in first.stdout

    second = site.install(bundles("1.1", schema="0017"))
    assert second.returncode == 0, second.stderr + second.stdout
    assert site.answer() == "1.1"
    assert site.versions() == dict.fromkeys(ALL, "1.1")
    assert site.done() == ["1.0 upgrade", "1.1 backup", "1.1 upgrade"]

    again = site.install(bundles("1.1", schema="0017"))
    assert again.returncode == 0
    assert "installed and used already" in again.stdout
    assert site.done()[3:] == []

    back = site.run("rollback", "--json")
    assert back.returncode == 0, back.stderr
    assert json.loads(back.stdout) == {"version": "1.0", "before": "1.1", "changed": True}
    assert site.versions() == dict.fromkeys(ALL, "1.0")
    assert site.run("rollback").returncode == 1

    listed = json.loads(site.run("list", "--json").stdout)
    assert [(one["version"], one["is_used"]) for one in listed["releases"]] == [
        ("1.0", True),
        ("1.1", False),
    ]
    log = (site.host.folder / "deployments.log").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["action"] for line in log] == ["install", "install", "rollback"]
