"""deploy.sh: what is refused before anything of the bundle is run, and what it hands on."""

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from cloudhands.ops.bundle import testing
from cloudhands.ops.bundle.manifest import WHEELS

DEPLOY = Path(__file__).parents[2] / "deploy.sh"


@pytest.fixture
def bundle(bundles, tmp_path):
    return Path(shutil.copytree(bundles("1.0"), tmp_path / "cloudhands-1.0"))


def deploy(folder, *argv, cwd="/", **environment):
    return subprocess.run(
        [folder / "deploy.sh", *map(str, argv)],
        env={**os.environ, **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_proves_its_bundle_straight_from_it(bundle, site):
    given = ("--signers", site.signers, "--dir", site.host.folder)
    told = deploy(bundle, "verify", *given, "--json", PYTHONPATH="/absent")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["signer"] == "ours@example.org"
    assert json.loads(told.stdout)["version"] == "1.0"


def test_it_compares_what_is_installed_straight_from_its_bundle(bundles, idle):
    given = ("--signers", idle.signers, "--dir", idle.host.folder)
    told = deploy(bundles("1.0"), "verify-installed", "--thorough", *given)
    assert told.returncode == 0, told.stderr + told.stdout
    assert "also compiled again" in told.stdout


def test_what_it_hands_on_is_explained(bundle, site):
    given = (f"--signers={site.signers}", f"--dir={site.host.folder}")
    told = deploy(bundle, *given)
    assert told.returncode == 2
    assert "write the site's settings there, or name the file with --config" in told.stderr
    assert deploy(bundle, "list", *given).stdout.startswith("No release is in ")


def test_help_names_every_command_and_option(bundle):
    told = deploy(bundle, "--help")
    assert told.returncode == 0
    for word in ("verify", "rollback", "list", "diff", "--config", "--signers", "--dir", "PYTHON"):
        assert word in told.stdout


def test_help_after_a_command_runs_nothing_of_the_bundle(bundle):
    changed(bundle)
    told = deploy(bundle, "install", "--help")
    assert told.returncode == 0
    for word in ("--accept", "--downgrade", "--no-start", "--json"):
        assert word in told.stdout


def test_where_it_is_called_from_is_no_matter(bundle, site):
    (bundle.parent / "elsewhere" / bundle.name).mkdir(parents=True)
    shutil.copy(site.signers, bundle.parent / "signers")
    told = deploy(
        Path(bundle.name),
        *("verify", "--signers", "signers", "--dir", site.host.folder),
        cwd=bundle.parent,
        CDPATH=str(bundle.parent / "elsewhere"),
    )
    assert told.returncode == 0, told.stderr


def changed(folder):
    wheel = next((folder / WHEELS).glob("cloudhands_ops-*"))
    wheel.write_bytes(b"import os; os.system('evil')")


def planted(folder):
    """A wheel that is found before the good one, and leaves a mark when it is run."""
    mark = folder.parent / "was-run"
    with zipfile.ZipFile(folder / WHEELS / "cloudhands_ops-0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("cloudhands/ops/bundle/__main__.py", f"open({str(mark)!r}, 'w')")


def planted_program(folder):
    """What the system's sha256sum would be looked for by, were `.` in the PATH."""
    program = folder / "sha256sum"
    program.write_text(f"#!/bin/sh\ntouch {folder.parent}/was-run\n", encoding="ascii")
    program.chmod(0o755)


def linked(folder):
    wheel = next((folder / WHEELS).glob("supervisor-*"))
    wheel.rename(folder.parent / wheel.name)
    wheel.symlink_to(folder.parent / wheel.name)


def resigned(folder):
    testing.sign(folder, testing.make_key(folder.parent, "foreign")[0])


@pytest.mark.parametrize(
    ("change", "argv", "said"),
    [
        (changed, [], "is not as it was built"),
        (changed, ["--unsigned"], "is not as it was built"),
        (planted, [], "cloudhands_ops-0-py3-none-any.whl is not of the bundle"),
        (planted, ["--unsigned"], "cloudhands_ops-0-py3-none-any.whl is not of the bundle"),
        (planted_program, [], "sha256sum is not of the bundle"),
        (linked, [], "is no plain file"),
        (lambda folder: (folder / WHEELS / "cloudhands_ops-0.whl").mkdir(), [], "holds 2 of"),
        (resigned, [], "is by a foreign key"),
        (lambda folder: (folder / "SHA256SUMS.sig").unlink(), [], "the bundle is not signed"),
        (lambda folder: (folder / "SHA256SUMS").unlink(), [], "SHA256SUMS is missing"),
        (lambda folder: None, ["--signers", "/absent"], "/absent is not there"),
        (lambda folder: None, ["upgrade"], "unknown command: upgrade"),
    ],
)
def test_refused_in_one_line(bundle, site, change, argv, said):
    change(bundle)
    given = argv if "upgrade" in argv else ["--signers", site.signers, *argv]
    told = deploy(bundle, *given, cwd=bundle, PATH=f".:{bundle}:{os.environ['PATH']}")
    assert told.returncode == 2
    assert said in told.stderr
    assert told.stderr.count("\n") == 1
    assert not (bundle.parent / "was-run").exists()


def test_the_bundles_own_list_of_signers_is_refused(bundle):
    own = bundle / "allowed_signers"
    own.touch()
    told = deploy(bundle, "--signers", own)
    assert "came with the bundle, and proves nothing" in told.stderr


def test_missing_packages_come_first(bundle, tmp_path):
    told = deploy(bundle, PATH=str(tmp_path))
    assert told.returncode == 2
    assert "apt-get install python3 openssh-client coreutils findutils" in told.stderr


def test_a_python_that_is_too_old(bundle, tmp_path):
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    old.chmod(0o755)
    told = deploy(bundle, PYTHON=str(old))
    assert told.returncode == 2
    assert "Python 3.11 or later is needed" in told.stderr
