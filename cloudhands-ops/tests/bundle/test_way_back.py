"""What a release does to the database decides whether there is a way back."""

import pytest

from cloudhands.ops.bundle.__main__ import main
from cloudhands.ops.bundle.supervision import Supervision


def test_a_migration_without_a_way_back_is_refused_and_can_be_accepted(first, bundles):
    bundle = bundles("2.0", schema="0018", oldest_code="0018")
    refused = first.run("install", bundle)
    assert refused.returncode == 1
    assert "needs code that knows 0018, and 1.0 knows 0016" in refused.stderr
    assert "Add --accept" in refused.stderr
    assert first.answer() == "1.0"
    assert first.done() == ["1.0 upgrade"]

    accepted = first.run("install", bundle, "--accept")
    assert accepted.returncode == 0, accepted.stderr
    assert "Stopping cloud-serve:cloud-serve_01." in accepted.stdout
    assert first.answer() == "2.0"
    assert set(first.versions().values()) == {"2.0"}

    back = first.run("rollback")
    assert back.returncode == 1
    assert "only code that knows 0018 may use it; 1.0 knows 0016" in back.stderr
    assert first.answer() == "2.0"

    older = first.run("install", bundles("1.1"), "--downgrade")
    assert older.returncode == 1
    assert "only code that knows 0018 may use it; 1.1 knows 0016" in older.stderr
    assert first.answer() == "2.0"


def test_a_migration_that_fails_leaves_the_release_before_serving(first, bundles):
    bundle = bundles("2.0", schema="0018", oldest_code="0018", broken="upgrade")
    done = first.run("install", bundle, "--accept")
    assert done.returncode == 3
    assert "on purpose. 1.0 serves as before" in done.stderr
    assert done.stderr.count("\n") == 1
    assert first.answer() == "1.0"
    assert all(program.state == "RUNNING" for program in Supervision(first.host).programs())


def test_an_older_release_is_taken_on_request_only(idle, bundles):
    refused = idle.run("install", bundles("0.9"))
    assert refused.returncode == 1
    assert "1.0 is installed, which is newer than 0.9" in refused.stderr
    assert idle.run("install", bundles("0.9"), "--downgrade", "--no-start").returncode == 0
    assert idle.host.running().version == "0.9"


def test_what_is_found_before_anything_is_touched(idle, bundles):
    other = idle.run("install", bundles("1.0", schema="0017"))
    assert other.returncode == 1
    assert "is of another bundle of the same version" in other.stderr
    idle.write("wrong = true")
    wrong = idle.run("install", bundles("1.1", schema="0017"))
    assert wrong.returncode == 2
    assert "there is no such setting" in wrong.stderr
    assert idle.done() == ["1.0 upgrade"]
    assert idle.host.running().version == "1.0"


@pytest.mark.parametrize("version", ["7.7", "../../etc", "", "alias", "2.9"])
def test_a_release_that_is_not_there_is_not_rolled_back_to(idle, capsys, version):
    folder = idle.host.running().folder.parent
    (folder / "alias").symlink_to("1.0")
    (folder / "2.9" / "venv").mkdir(parents=True)
    assert main(["rollback", "--to", version, "--dir", str(idle.host.folder)]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"release {version} is not installed" in told
    assert "these are: 1.0\n" in told


def test_what_is_no_release_and_a_release_that_is_gone(idle, bundles, capsys):
    folder = idle.host.running().folder
    (folder.parent / "lost+found").mkdir()
    folder.rename(folder.with_name("away"))
    assert main(["list", "--dir", str(idle.host.folder)]) == 0
    first, second, _ = capsys.readouterr().out.splitlines()
    assert first.startswith("No release is in")
    assert "current leads to 1.0, which is not there: install its bundle again" in second
    again = idle.run("install", bundles("1.0"), "--no-start")
    assert again.returncode == 0, again.stderr
    assert idle.host.running().is_complete

    folder.rename(folder.with_name("away-again"))
    other = idle.run("install", bundles("1.1", schema="0017"), "--no-start")
    assert other.returncode == 0, other.stderr
    assert idle.host.running().before is None
