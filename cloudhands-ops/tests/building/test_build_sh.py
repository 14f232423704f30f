"""build.sh as a person calls it: what it refuses, and one bundle of wheels with nothing in them."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from building import asking, distributions, environment, making, tars, tools, vendor
from building.testing import ROOT, copy_repository, git, write_lock, write_wheel
from cloudhands.common.errors import ConfigurationError
from cloudhands.ops.bundle.manifest import FILES, Manifest


@dataclass(frozen=True)
class Clone:
    """A repository in which bundles are built, and the vendor folder for it."""

    root: Path
    vendor: Path

    def build(self, *options):
        """Run its build.sh."""
        return subprocess.run(
            [self.root / "cloudhands-ops" / "build.sh", *options],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
            env={**os.environ, "PYTHON": sys.executable},
        )

    def refusal(self, *options, status=1):
        """What it says, in one line, where it builds nothing."""
        done = self.build(*options)
        assert done.returncode == status, done.stdout + done.stderr
        (line,) = done.stderr.splitlines()
        assert line.startswith("build.sh: ")
        assert not list(self.root.glob("dist/*.tar"))
        return line.removeprefix("build.sh: ")


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A copy of this repository as it is, whose locks name wheels with nothing in them."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / "root").mkdir()
    copy_repository(folder / "root", folder / "vendor")
    return Clone(folder / "root", folder / "vendor")


def test_help_names_every_option():
    done = Clone(ROOT, ROOT).build("--help")
    assert done.returncode == 0
    options = ("vendor", "python", "platform", "site", "key", "nosign", "novenv", "allow-dirty")
    assert not [option for option in (*options, "output") if f"--{option}" not in done.stdout]


def test_an_unknown_option(clone):
    said = clone.refusal("--colour", "--nosign", status=2)
    assert said == "unknown option: --colour (try --help)"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "a key that signs the bundle is missing: --key FILE, or --nosign (try --help)"),
        (["--key", "a", "--nosign"], "--key and --nosign go not together (try --help)"),
        (["--vendor", "--output=a"], "--vendor builds nothing, and takes no option of building"),
        (["--vendor", "--nosign"], "--vendor builds nothing, and takes no option of building"),
        (["--nosign", "--python", "3.10"], "argument --python: invalid choice: '3.10'"),
        (["--nosign", "--output="], "argument --output: it is empty: name a file or a folder"),
        (["--nosign", "--platform=sparc"], "argument --platform: invalid choice: 'sparc'"),
    ],
)
def test_wrong_options(tmp_path, capsys, options, said):
    with pytest.raises(SystemExit, match="2"):
        asking.parse(tmp_path, options)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"build.sh: {said}")


def test_targets_are_asked_for_in_any_order(tmp_path):
    asked = asking.parse(tmp_path, ["--nosign", "--python=3.13", "--python=3.11"])
    assert asked.pythons == ("3.11", "3.13")
    assert asked.machines == ("x86_64", "aarch64")
    assert asked.vendor_folder == tmp_path / ".vendor"


def test_what_is_missing_is_said_before_anything_is_made(clone, tmp_path):
    said = clone.refusal("--key", tmp_path / "absent", "--vendor-folder", clone.vendor)
    assert said.startswith(f"{tmp_path}/absent, the key, is not there: ssh-keygen -t ed25519")
    said = clone.refusal("--nosign", "--vendor-folder", tmp_path)
    assert said.startswith(f"{tmp_path} lacks the wheel of pip that ")
    assert not (clone.root / "dist" / ".building").exists()


def test_a_changed_work_tree_is_refused(clone):
    (clone.root / "new").touch()
    said = clone.refusal("--nosign", "--vendor-folder", clone.vendor)
    (clone.root / "new").unlink()
    assert said == (
        "the work tree has changes that are in no commit: new: commit or remove them, "
        "or add --allow-dirty"
    )


def test_a_foreign_and_a_missing_wheel(clone, tmp_path):
    folder = tmp_path / "vendor"
    shutil.copytree(clone.vendor, folder)
    foreign = write_wheel(folder, "foreign", "1.0")
    asked = asking.parse(clone.root, ["--nosign", "--vendor-folder", str(folder)])
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    with pytest.raises(ConfigurationError, match=r"foreign or damaged: foreign-1.0-py3"):
        making.make(asked, tmp_path / "first")
    foreign.unlink()
    (file,) = folder.glob("alembic-*.whl")
    file.unlink()
    with pytest.raises(ConfigurationError) as caught:
        making.make(asked, tmp_path / "second")
    assert "lacks wheels: alembic" in str(caught.value)
    assert "for Python 3.11 on x86_64; alembic" in str(caught.value)
    assert str(caught.value).endswith("and 3 more: fetch them with build.sh --vendor")


def test_a_foreign_pip_is_never_run(clone, tmp_path):
    """It makes the environment, before there is one in which the others' hashes are looked at."""
    folder = tmp_path / "vendor"
    shutil.copytree(clone.vendor, folder)
    (pip,) = folder.glob("pip-*.whl")
    foreign = folder / "pip-0-py3-none-any.whl"
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("pip/__main__.py", f"open({str(tmp_path / 'it-ran')!r}, 'w')")
    assert environment._pip(clone.root, folder) == pip
    pip.unlink()
    said = clone.refusal("--nosign", "--vendor-folder", folder)
    assert said == (
        f"{folder} lacks the wheel of pip that requirements/bundle.txt names: "
        "fetch it with build.sh --vendor"
    )
    assert not (tmp_path / "it-ran").exists()


def test_the_tools_for_building_are_installed_by_their_hashes_alone(tmp_path):
    """By a pip that writes down how it was called."""
    told = tmp_path / "told.json"
    folder = tmp_path / "vendor"
    folder.mkdir()
    wheel = folder / "pip-1-py3-none-any.whl"
    program = "import json, os, sys; json.dump([sys.argv, dict(os.environ)], open({!r}, 'w'))"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("pip/__main__.py", program.format(str(told)))
    write_lock(tmp_path / "requirements" / "bundle.txt", [wheel])
    environment.offline(tmp_path / "venv", tmp_path, folder)
    argv, environ = json.loads(told.read_text())
    assert {"--isolated", "--no-index", "--no-cache-dir", "--require-hashes"} < set(argv)
    assert environ["PIP_CONFIG_FILE"] == os.devnull


def test_another_environment_than_the_lock_s_is_refused(tmp_path):
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "building.txt").write_text(
        f"setuptools==1.0 --hash=sha256:{'0' * 64}\nabsent==2.0 --hash=sha256:{'1' * 64}\n"
    )
    with pytest.raises(ConfigurationError) as caught:
        tools.check(tmp_path)
    said = str(caught.value)
    assert said.startswith("this environment is not the lock's: setuptools is ")
    assert "instead of 1.0, absent is missing instead of 2.0: pip install" in said
    assert said.endswith("-r requirements/building.txt, or leave out --novenv")


def test_the_environment_is_looked_at_before_anything_is_built(clone, tmp_path):
    lock = clone.root / "requirements" / "building.txt"
    asked = asking.parse(clone.root, ["--nosign", "--allow-dirty"])
    write_lock(lock, [write_wheel(tmp_path / "wheels", "absent", "2.0")])
    (tmp_path / "scratch").mkdir()
    with pytest.raises(ConfigurationError, match=r"absent is missing instead of 2\.0"):
        making.make(asked, tmp_path / "scratch")
    write_lock(lock, [])


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small file system")
def test_a_full_disk(clone, tmp_path):
    """Found out before anything is made, and also where it fills up on the way."""
    say = "import sys; from building import saying, place; from pathlib import Path\n"
    small = tmp_path / "small"
    small.mkdir()
    script = (
        f"mount -t tmpfs -o size=1m none {small} || exit 77\n"
        f"{clone.root}/cloudhands-ops/build.sh --nosign --novenv --vendor-folder {clone.vendor} "
        f"--output {small} && exit 1\n"
        f"exec {sys.executable} -c '{say}"
        f'sys.exit(saying.run(lambda: Path("{small}/part").write_bytes(bytes(1 << 21))))\''
    )
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHON": sys.executable, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if done.returncode == 77 or done.stderr.startswith("unshare: "):
        pytest.skip("no file system can be mounted here")
    early, late = done.stderr.splitlines()
    assert early.startswith(f"build.sh: {small} has ")
    assert "MiB are needed: make room, or name another folder" in early
    assert "No space left on device: make room, or name another folder" in late
    assert done.returncode == 1


@pytest.fixture(scope="module")
def bundle(clone, tmp_path_factory):
    """An unpacked bundle, for one target, and what build.sh said."""
    git(clone.root, "tag", "v" + (clone.root / "VERSION").read_text().strip())
    folder = tmp_path_factory.mktemp("bundle")
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    options = ["--novenv", "--nomanual", "--key", key, "--vendor-folder", clone.vendor]
    done = clone.build(*options, "--output", folder, "--python=3.12", "--platform=x86_64")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    (file,) = folder.glob("*.tar")
    with tarfile.open(file) as archive:
        names = archive.getnames()
    (folder / "unpacked").mkdir()
    tars.unpack(file, folder / "unpacked")
    (unpacked,) = (folder / "unpacked").iterdir()
    assert {name.split("/")[0] for name in names} == {unpacked.name}
    # Nothing else is left behind.
    left = {each.name for each in folder.iterdir()} - {"key", "key.pub", "unpacked"}
    assert left == {file.name, ".building.lock"}
    return unpacked, done.stdout


def test_the_bundle_says_what_it_is(clone, bundle):
    folder, told = bundle
    found = Manifest.read(folder)
    head = git(clone.root, "rev-parse", "HEAD")
    assert found.version == (clone.root / "VERSION").read_text().strip()
    assert found.folder == folder.name
    assert (found.revision, found.site, found.dirty) == (head, "cloudhands-jasmin", False)
    assert found.epoch == int(git(clone.root, "log", "-1", "--format=%ct"))
    assert (found.pythons, found.platforms) == (("3.12",), ("x86_64",))
    migrations = clone.root / "cloudhands-common/cloudhands/common/migrations/versions"
    assert found.schema == max(file.name[:4] for file in migrations.glob("0*.py"))
    assert f"revision {head}" in told
    assert f"SHA-256 {vendor.sha256(folder.parents[1] / (folder.name + '.tar'))}" in told
    assert ' namespaces="cloudhands-bundle" ssh-ed25519 ' in told


def test_the_bundle_has_what_was_agreed(bundle):
    folder, _ = bundle
    assert not [name for name in FILES if not (folder / name).is_file()]
    assert (folder / "SHA256SUMS.sig").is_file()
    assert os.access(folder / "deploy.sh", os.X_OK)
    assert len(list((folder / "sdists").iterdir())) == 5
    wheels = {file.name.split("-")[0] for file in (folder / "wheels").iterdir()}
    assert wheels > {"pip", "setuptools", "cloudhands_common", "cloudhands_jasmin"}
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=folder, check=True)
    summed = {line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    files = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    assert files - summed == {"SHA256SUMS", "SHA256SUMS.sig"}
    assert json.loads((folder / "sbom.cdx.json").read_text())["components"]


def test_our_wheels_bear_the_revision_and_pin_each_other(clone, bundle):
    folder, _ = bundle
    version = Manifest.read(folder).version
    head = git(clone.root, "rev-parse", "HEAD")
    (file,) = folder.glob("wheels/cloudhands_common-*")
    with zipfile.ZipFile(file) as archive:
        assert archive.read("cloudhands/common/REVISION").decode() == head + "\n"
    (file,) = folder.glob("wheels/cloudhands_jasmin-*")
    with zipfile.ZipFile(file) as archive:
        metadata = archive.read(f"cloudhands_jasmin-{version}.dist-info/METADATA").decode()
    assert f"Requires-Dist: cloudhands-ops=={version}\n" in metadata
    # What lies beside the packages is not shipped.
    for wheel in folder.glob("wheels/cloudhands_*"):
        with zipfile.ZipFile(wheel) as archive:
            tops = {name.split("/")[0] for name in archive.namelist()}
        assert tops == {"cloudhands", wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info"}


SITE = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "cloudhands-example"
version = "3.4"
[project.entry-points."{group}"]
example = "example:SITE"
[tool.setuptools]
py-modules = ["example", "left_out"]
"""


@pytest.fixture
def example(tmp_path):
    """Another institution's site package, with what must not get into a bundle."""
    folder = tmp_path / "example"
    (folder / ".git").mkdir(parents=True)
    (folder / "build").mkdir()
    (folder / "build" / "stale").touch()
    (folder / "pyproject.toml").write_text(SITE.format(group="cloudhands.site"))
    (folder / "example.py").write_text("SITE = None\n")
    (folder / "left_out.py").touch()
    (folder / "MANIFEST.in").write_text("exclude left_out.py\n")
    return folder


def site_built(monkeypatch, site, folder):
    """Build the site's distribution alone."""
    monkeypatch.setattr(distributions, "PARTS", ())
    for name in ("wheels", "sdists", "scratch"):
        (folder / name).mkdir(parents=True)
    (built,) = distributions.build(folder, site, folder, folder / "scratch", 1_700_000_000)
    return built


def test_another_site_package_from_its_source_or_its_wheel(monkeypatch, example, tmp_path):
    before = sorted(example.rglob("*"))
    first = site_built(monkeypatch, example, tmp_path / "first")
    assert sorted(example.rglob("*")) == before  # nothing is written into it
    os.utime(example / "example.py", (1, 1))
    (example / "example.py").chmod(0o600)
    second = site_built(monkeypatch, example, tmp_path / "second")
    assert (first.wheel.name, str(first.wheel.version)) == ("cloudhands-example", "3.4")
    assert first.wheel.sha256 == second.wheel.sha256
    assert first.sdist.read_bytes() == second.sdist.read_bytes()
    with tarfile.open(first.sdist) as archive:
        assert not [name for name in archive.getnames() if "stale" in name or ".git" in name]
    # Its wheel is made of its source distribution, and shows what that lacks.
    with zipfile.ZipFile(first.wheel.file) as archive:
        assert [name for name in archive.namelist() if name.endswith(".py")] == ["example.py"]
    third = site_built(monkeypatch, first.wheel.file, tmp_path / "third")
    assert third.wheel.sha256 == first.wheel.sha256
    assert third.sdist is None


def test_what_is_no_site_package_is_refused(monkeypatch, example, tmp_path):
    (example / "pyproject.toml").write_text(SITE.format(group="cloudhands.sight"))
    with pytest.raises(ConfigurationError, match=r"cloudhands-example 3\.4 is no site package"):
        site_built(monkeypatch, example, tmp_path / "first")
    (example / "pyproject.toml").write_text("[project]\nname =\n")
    with pytest.raises(ConfigurationError, match=r"example/pyproject\.toml: Invalid value"):
        site_built(monkeypatch, example, tmp_path / "second")
    (example / "pyproject.toml").write_text('[build-system]\nrequires = ["flit_core>3"]\n')
    with pytest.raises(ConfigurationError, match="example is built with flit_core, which is not"):
        site_built(monkeypatch, example, tmp_path / "third")
    (example / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "one"\n')
    (example / "away").symlink_to("nowhere")
    with pytest.raises(ConfigurationError, match="example/away cannot be copied: "):
        site_built(monkeypatch, example, tmp_path / "fourth")
    (example / "away").unlink()
    with pytest.raises(ConfigurationError, match=r"example, its sdist: .*version"):
        site_built(monkeypatch, example, tmp_path / "fifth")
    (example / "pyproject.toml").unlink()
    with pytest.raises(ConfigurationError, match=r"example has no pyproject\.toml"):
        site_built(monkeypatch, example, tmp_path / "sixth")
