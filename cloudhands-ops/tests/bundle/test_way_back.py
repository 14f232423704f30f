"""What a release does to the database decides whether there is a way back."""

import json

import pytest

from cloudhands.ops.bundle.supervision import Supervision


@pytest.fixture
def first(site, bundles):
    assert site.install(bundles("1.0")).returncode == 0
    return site


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


def test_a_release_that_does_not_come_up_is_left_again(first, bundles):
    done = first.run("install", bundles("1.1", schema="0017", broken="cloud-serve"))
    assert done.returncode == 3
    assert "1.1 is not well: cloud-serve:cloud-serve_00" in done.stderr
    assert "it is broken on purpose" in done.stderr
    assert "1.0 serves again" in done.stderr
    assert set(first.versions().values()) == {"1.0"}
    assert first.host.running().version == "1.0"
    assert all(program.state == "RUNNING" for program in Supervision(first.host).programs())
    log = (first.host.folder / "deployments.log").read_text(encoding="utf-8").splitlines()
    assert json.loads(log[-1])["outcome"] == "put back"


def test_an_older_release_is_taken_on_request_only(first, bundles):
    refused = first.run("install", bundles("0.9"))
    assert refused.returncode == 1
    assert "1.0 is installed, which is newer than 0.9" in refused.stderr
    assert first.run("install", bundles("0.9"), "--downgrade").returncode == 0
    assert first.answer() == "0.9"


def test_wrong_settings_are_found_before_anything_is_touched(first, bundles):
    first.write("wrong = true")
    done = first.run("install", bundles("1.1", schema="0017"))
    assert done.returncode == 2
    assert "there is no such setting" in done.stderr
    assert first.done() == ["1.0 upgrade"]
    assert first.answer() == "1.0"


def test_another_bundle_of_the_same_version_is_refused(first, bundles):
    done = first.run("install", bundles("1.0", schema="0017"))
    assert done.returncode == 1
    assert "is of another bundle of the same version" in done.stderr


def test_a_release_that_is_not_there_is_not_rolled_back_to(first):
    for version in ("7.7", "../../etc", ""):
        done = first.run("rollback", "--to", version)
        assert done.returncode == 1, done.stdout
        assert done.stderr.count("\n") == 1
