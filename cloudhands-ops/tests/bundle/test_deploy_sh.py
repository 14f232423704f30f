"""deploy.sh: what is refused before anything of the bundle is run, and what it hands on."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from cloudhands.ops.bundle import testing
from cloudhands.ops.bundle.manifest import WHEELS

DEPLOY = Path(__file__).parents[2] / "deploy.sh"


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


def test_it_proves_its_bundle_straight_from_it(copy, site):
    given = ("--signers", site.signers, "--dir", site.host.folder)
    told = deploy(copy, "verify", *given, "--json", PYTHONPATH="/absent")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["signer"] == "ours@example.org"
    assert json.loads(told.stdout)["version"] == "1.0"


def test_it_compares_what_is_installed_straight_from_its_bundle(bundles, idle):
    given = ("--signers", idle.signers, "--dir", idle.host.folder)
    told = deploy(bundles("1.0"), "verify-installed", "--thorough", *given)
    assert told.returncode == 0, told.stderr + told.stdout
    assert "also compiled again" in told.stdout


IMPORTING = """
import importlib, sys, types
module, ops, common = sys.argv[1:]
namespace = types.ModuleType("cloudhands")
namespace.__path__ = [f"{ops}/cloudhands", f"{common}/cloudhands"]
sys.modules["cloudhands"] = namespace
sys.path.append(ops)
importlib.import_module(module)
print(*(name for name in sys.modules if name.startswith("cloudhands.")), sep="\\n")
"""


@pytest.mark.parametrize("module", ["cloudhands.ops.bundle.__main__", "building.__main__"])
def test_what_runs_before_anything_is_installed_needs_nothing(module):
    ops, common = DEPLOY.parent, DEPLOY.parents[1] / "cloudhands-common"
    # No packages at all: neither those of an environment nor the system's.
    argv = [sys.executable, "-I", "-S", "-c", IMPORTING, module, ops, common]
    told = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    allowed = r"cloudhands\.(common(\.errors)?|ops(\.bundle(\.\w+)?)?)"
    names = told.stdout.splitlines()
    assert names
    assert [name for name in names if not re.fullmatch(allowed, name)] == []


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


def test_help_after_a_command_runs_nothing_of_the_bundle(copy):
    changed(copy)
    told = deploy(copy, "install", "--help")
    assert told.returncode == 0
    for word in ("--accept", "--downgrade", "--no-start", "--json"):
        assert word in told.stdout


def test_where_it_is_called_from_is_no_matter(copy, site):
    (copy.parent / "elsewhere" / copy.name).mkdir(parents=True)
    shutil.copy(site.signers, copy.parent / "signers")
    told = deploy(
        Path(copy.name),
        *("verify", "--signers", "signers", "--dir", site.host.folder),
        cwd=copy.parent,
        CDPATH=str(copy.parent / "elsewhere"),
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
def test_refused_in_one_line(copy, site, change, argv, said):
    change(copy)
    given = argv if "upgrade" in argv else ["--signers", site.signers, *argv]
    told = deploy(copy, *given, cwd=copy, PATH=f".:{copy}:{os.environ['PATH']}")
    assert told.returncode == 2
    assert said in told.stderr
    assert told.stderr.count("\n") == 1
    assert not (copy.parent / "was-run").exists()


def test_the_bundles_own_list_of_signers_is_refused(copy):
    own = copy / "allowed_signers"
    own.touch()
    told = deploy(copy, "--signers", own)
    assert "came with the bundle, and proves nothing" in told.stderr


def test_missing_packages_come_first(copy, tmp_path):
    told = deploy(copy, PATH=str(tmp_path))
    assert told.returncode == 2
    assert "apt-get install python3 openssh-client coreutils findutils" in told.stderr


def test_a_python_that_is_too_old(copy, tmp_path):
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    old.chmod(0o755)
    told = deploy(copy, PYTHON=str(old))
    assert told.returncode == 2
    assert "Python 3.11 or later is needed" in told.stderr
