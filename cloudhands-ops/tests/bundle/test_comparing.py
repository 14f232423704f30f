"""What is installed against its bundle's hashes, and one bundle against another."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

from cloudhands.common.errors import BundleError
from cloudhands.ops.bundle import environment, fitness, telling, verification, versions, wheels
from cloudhands.ops.bundle.__main__ import main
from cloudhands.ops.bundle.host import Host
from cloudhands.ops.bundle.python import look_at


@pytest.fixture(scope="module")
def installed(bundles, keys, tmp_path_factory):
    """A host where a release is installed, and nothing runs."""
    host = Host(tmp_path_factory.mktemp("host"))
    bundle = verification.verified(bundles("1.0"), keys["ours"][1], host.signers, unsigned=False)
    host.signers.write_bytes(keys["ours"][1].read_bytes())
    release = host.release("1.0")
    environment.install(bundle, release, look_at(None), telling.aside)
    host.switch(release)
    return host


@pytest.fixture
def verify(installed, capsys):
    def run(*argv):
        status = main(["verify-installed", "--dir", str(installed.folder), "--json", *argv])
        told = capsys.readouterr()
        return status, json.loads(told.out)["wrong"] if told.out else told.err

    return run


def site_packages(host):
    return next((host.running().venv / "lib").glob("python*/site-packages"))


def test_what_cannot_be_compared_is_told(verify, installed, tmp_path, capsys):
    folder = installed.running().venv / "lib"
    folder.rename(folder.with_name("away"))
    status, told = verify()
    folder.with_name("away").rename(folder)
    assert (status, told.count("\n")) == (1, 1)
    assert f"{folder} holds 0 folders of packages, and not one" in told
    assert main(["verify-installed", "--dir", str(tmp_path)]) == 1
    assert f"nothing is installed in {tmp_path}: name the folder" in capsys.readouterr().err


@pytest.fixture
def changed(installed):
    """Writes a file of the environment, which is put back."""
    undo = []

    def write(path, text):
        before = path.read_bytes() if path.exists() else None
        undo.append((path, before))
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    yield write
    for path, before in reversed(undo):
        path.unlink(missing_ok=True)
        if before is not None:
            path.write_bytes(before)


def test_what_was_installed_is_as_the_bundle(installed, changed, verify):
    changed(installed.running().venv / ".gitignore", "*\n")  # as Python 3.13 does by itself
    assert verify() == (0, [])
    assert verify("1.0", "--thorough") == (0, [])


def test_a_module_that_somebody_changed(installed, changed, verify):
    changed(site_packages(installed) / "cloudhands_stand_in.py", "evil = True\n")
    status, (line,) = verify()
    assert status == 1
    assert "cloudhands_stand_in.py is not as in cloudhands_jasmin-1.0" in line


def test_an_environment_that_is_not_shut_off(installed, changed, verify):
    file = installed.running().venv / "pyvenv.cfg"
    text = file.read_text(encoding="utf-8")
    changed(file, text.replace("packages = false", "packages = true"))
    assert "pyvenv.cfg is not what Python makes" in verify()[1][0]
    changed(file, re.sub("home = .*", "home = /tmp", text))
    assert "pyvenv.cfg is not what Python makes" in verify()[1][0]


def test_files_and_links_beside_the_modules(installed, changed, verify):
    changed(installed.running().venv / "evil.so", "x")
    (installed.running().programs / "python9").symlink_to("/bin/sh")
    try:
        status, (link, file) = verify()
    finally:
        (installed.running().programs / "python9").unlink()
    assert status == 1
    assert "python9 leads to /bin/sh" in link
    assert "evil.so is not of the bundle" in file


def test_compiling_again_runs_nothing_of_the_environment(installed, changed, verify, tmp_path):
    changed(
        site_packages(installed) / "evil.pth", f"import os; os.mkdir({str(tmp_path / 'run')!r})"
    )
    assert "evil.pth is not of the bundle" in verify("--thorough")[1][0]
    assert not (tmp_path / "run").exists()


def test_the_environment_of_supervisord_is_compared_too(idle, capsys):
    assert main(["verify-installed", "--dir", str(idle.host.folder)]) == 0
    assert f"Python itself is {Path(sys.executable).resolve()}" in capsys.readouterr().out
    (module,) = idle.host.supervisor.glob("venv/lib/python*/site-packages/supervisor_stand_in.py")
    module.write_text("evil = True\n", encoding="utf-8")
    assert main(["verify-installed", "--dir", str(idle.host.folder)]) == 1
    assert "supervisor_stand_in.py is not as in supervisor-4" in capsys.readouterr().out
    # As where the release that brought it was removed.
    (notes,) = idle.host.supervisor.glob("venv/lib/python*/site-packages/supervisor-*.dist-info")
    notes.rename(notes.with_name("supervisor-1.dist-info"))
    assert main(["verify-installed", "--dir", str(idle.host.folder), "--json"]) == 1
    (line,) = json.loads(capsys.readouterr().out)["wrong"]
    assert line == f"{idle.host.supervisor} is of no release that is here: nothing proves it"


@pytest.mark.parametrize("name", ["evil.py", "evil.pth", "__pycache__/evil.cpython-311.pyc"])
def test_a_file_that_somebody_added(installed, changed, verify, name):
    (site_packages(installed) / "__pycache__").mkdir(exist_ok=True)
    changed(site_packages(installed) / name, "import os\n")
    status, (line,) = verify()
    assert status == 1
    assert "evil" in line
    assert "is not of the bundle" in line


def test_a_command_that_does_something_else(installed, changed, verify):
    script = installed.running().programs / "cloud-serve"
    text = script.read_text(encoding="utf-8").replace("import sys\n", "import sys, evil\n", 1)
    changed(script, text)
    status, (line,) = verify()
    assert status == 1
    assert "bin/cloud-serve is not what pip makes of cloudhands_stand_in:serve" in line


def test_a_compiled_module_that_says_something_else(installed, changed, verify):
    (compiled,) = site_packages(installed).glob("__pycache__/cloudhands_stand_in.*.pyc")
    changed(compiled, compiled.read_bytes().replace(b"cloud-serve", b"cloud-swerve"[:11]))
    assert verify() == (0, [])
    status, (line,) = verify("--thorough")
    assert status == 1
    assert "is not what its source says" in line


def test_a_wheel_that_was_exchanged_on_the_host(installed, changed, verify):
    wheel = next((installed.running().bundle / "wheels").glob("supervisor-*"))
    changed(wheel, wheel.read_bytes() + b"!")
    status, told = verify()
    assert status == 2
    assert "is not the bundle's" in told


def test_two_bundles_are_compared(bundles, installed, capsys):
    other = bundles("1.1", schema="0017")
    assert main(["diff", "1.0", str(other), "--dir", str(installed.folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"name": "version", "before": "1.0", "after": "1.1"} in told["versions"]
    assert {"name": "database", "before": "0016", "after": "0017"} in told["versions"]
    assert told["dependencies"] == told["licences"] == told["settings"] == []
    assert main(["diff", str(bundles("1.0")), str(other)]) == 0
    assert "version: 1.0 -> 1.1" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["requirements.txt", "wheels/cloudhands_common-*.whl"])
def test_a_damaged_bundle_is_not_compared(copy, capsys, name):
    (file,) = copy.glob(name)
    file.write_bytes(b"\xff")
    assert main(["diff", str(copy), str(copy)]) == 2
    told = capsys.readouterr().err
    assert f"{copy} is not as it was built" in told
    assert told.count("\n") == 1


# --- Parts ---------------------------------------------------------------------------------------


def test_versions_rise():
    rising = [
        "0.9",
        "1.0.dev3+gabc",
        "1.0.dev12+g01",
        "1.0a1",
        "1.0rc1",
        "1.0",
        "1.0.post1",
        "1.10",
    ]
    assert sorted(rising, key=versions.key) == rising
    assert not versions.is_newer("1.0", "1.0.0")
    with pytest.raises(BundleError, match="not a version"):
        versions.key("one")


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("a-1-py3-none-any.whl", True),
        ("a-1-py2.py3-none-any.whl", True),
        ("a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", True),
        ("a-1-cp39-abi3-manylinux_2_28_x86_64.whl", True),
        ("a-1-cp312-abi3-manylinux_2_28_x86_64.whl", False),
        ("a-1-cp312-cp312-manylinux_2_17_x86_64.whl", False),
        ("a-1-cp39-cp39-manylinux_2_17_x86_64.whl", False),
        ("a-1-cp311-cp311-manylinux_2_17_aarch64.whl", False),
        ("a-1-cp311-cp311-macosx_11_0_x86_64.whl", False),
    ],
)
def test_which_wheels_fit(tmp_path, name, fits):
    (tmp_path / name).touch()
    assert bool(wheels.fitting(tmp_path, "3.11", "x86_64")) is fits


def test_what_is_no_wheel(tmp_path):
    (tmp_path / "a.tar.gz").touch()
    with pytest.raises(BundleError, match="is not a wheel"):
        wheels.fitting(tmp_path, "3.11", "x86_64")


def test_a_folder_that_may_not_be_written(tmp_path):
    tmp_path.chmod(0o555)
    pid = os.fork()
    if pid == 0:  # as somebody who is not root
        try:
            os.setuid(65534)
            fitness.check_rights(Host(tmp_path / "new"))
        except Exception as error:  # noqa: BLE001
            os._exit(7 if "install -d -o 65534" in str(error) else 1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
