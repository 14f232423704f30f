"""deploy.sh: what is refused before anything of the bundle is run, and what it hands on."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cloudhands.ops.bundle import testing
from cloudhands.ops.bundle.manifest import WHEELS

DEPLOY = Path(__file__).parents[2] / "deploy.sh"


def deploy(folder, *argv, **environment):
    return subprocess.run(
        [folder / "deploy.sh", *map(str, argv)],
        env={**os.environ, **environment},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_proves_its_bundle_straight_from_it(copy, site):
    given = ("--signers", site.signers, "--dir", site.host.folder)
    told = deploy(copy, "verify", *given, "--json", PYTHONPATH="/absent")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["signer"] == "ours@example.org"
    assert json.loads(told.stdout)["version"] == "1.0"


def test_what_it_hands_on_is_explained(copy, site):
    given = (f"--signers={site.signers}", f"--dir={site.host.folder}")
    told = deploy(copy, *given)
    assert told.returncode == 2
    assert "write the site's settings there, or name the file with --config" in told.stderr
    assert deploy(copy, "list", *given).stdout.startswith("No release is in ")


def test_help_names_every_command_and_option(copy):
    told = deploy(copy, "--help")
    assert told.returncode == 0
    for word in ("verify", "rollback", "list", "diff", "--config", "--signers", "--dir", "PYTHON"):
        assert word in told.stdout
    assert "--accept" in deploy(copy, "install", "--help").stdout


def changed(folder):
    wheel = next((folder / WHEELS).glob("cloudhands_ops-*"))
    wheel.write_bytes(b"import os; os.system('evil')")


def resigned(folder):
    testing.sign(folder, testing.make_key(folder.parent, "foreign")[0])


@pytest.mark.parametrize(
    ("change", "argv", "said"),
    [
        (changed, [], "is not as it was built"),
        (changed, ["--unsigned"], "is not as it was built"),
        (resigned, [], "is by a foreign key"),
        (lambda folder: (folder / "SHA256SUMS.sig").unlink(), [], "the bundle is not signed"),
        (lambda folder: (folder / "SHA256SUMS").unlink(), [], "SHA256SUMS is missing"),
        (lambda folder: None, ["--signers", "/absent"], "/absent is not there"),
        (lambda folder: None, ["upgrade"], "unknown command: upgrade"),
    ],
)
def test_refused_in_one_line(copy, site, change, argv, said):
    change(copy)
    given = argv if "upgrade" in argv else ["--signers", site.signers, *argv]
    told = deploy(copy, *given)
    assert told.returncode == 2
    assert said in told.stderr
    assert told.stderr.count("\n") == 1


def test_the_bundles_own_list_of_signers_is_refused(copy):
    own = copy / "allowed_signers"
    own.touch()
    told = deploy(copy, "--signers", own)
    assert "came with the bundle, and proves nothing" in told.stderr


def test_missing_packages_come_first(copy, tmp_path):
    for program in ("bash", "dirname", "cat"):
        (tmp_path / program).symlink_to(shutil.which(program))
    told = deploy(copy, PATH=str(tmp_path))
    assert told.returncode == 2
    assert "apt-get install python3 openssh-client coreutils" in told.stderr


def test_a_python_that_is_too_old(copy, tmp_path):
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    old.chmod(0o755)
    told = deploy(copy, PYTHON=str(old))
    assert told.returncode == 2
    assert "Python 3.11 or later is needed" in told.stderr
