import re
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VERSION = (ROOT / "VERSION").read_text(encoding="utf-8").strip()

# What each distribution requires of the others.
PARTS = {
    "common": set(),
    "web": {"common"},
    "burst": {"common"},
    "ops": {"web", "burst"},
    "jasmin": {"common", "web", "burst", "ops"},
}

SCRIPTS = {
    "cloud-serve": "cloudhands.web.serve:main",
    "cloud-index": "cloudhands.web.index.main:main",
    "cloud-burst": "cloudhands.burst.main:main",
    "cloud-admin": "cloudhands.ops.admin.main:main",
}


def check_namespace(*folders):
    return subprocess.run(
        [ROOT / "tools" / "check-namespace.sh", *folders],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("part", PARTS)
def test_each_distribution_has_the_one_version(part):
    assert metadata.version(f"cloudhands-{part}") == VERSION
    assert (ROOT / f"cloudhands-{part}" / "VERSION").resolve() == ROOT / "VERSION"


@pytest.mark.parametrize(("part", "others"), PARTS.items())
def test_the_others_are_pinned_exactly(part, others):
    requires = metadata.requires(f"cloudhands-{part}") or []
    ours = {line for line in requires if line.startswith("cloudhands")}
    assert ours == {f"cloudhands-{other}=={VERSION}" for other in others}


@pytest.mark.parametrize("part", PARTS)
def test_each_direct_dependency_is_locked(part):
    lock = (ROOT / "requirements" / "development.txt").read_text(encoding="utf-8")
    locked = set(re.findall(r"^([a-z0-9-]+)==", lock, flags=re.MULTILINE))
    for line in metadata.requires(f"cloudhands-{part}") or []:
        name = re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", line)[0]).lower()
        assert name.startswith("cloudhands-") or name in locked


def test_the_commands_are_installed():
    installed = {
        entry.name: entry.value
        for part in PARTS
        for entry in metadata.distribution(f"cloudhands-{part}").entry_points
        if entry.group == "console_scripts"
    }
    assert installed == SCRIPTS


def test_the_site_is_found_by_its_entry_point():
    (site,) = metadata.entry_points(group="cloudhands.site")
    assert (site.name, site.value) == ("jasmin", "cloudhands.jasmin.site:SITE")
    assert site.dist.name == "cloudhands-jasmin"


def test_the_namespace_has_no_file_of_its_own():
    assert check_namespace(ROOT).returncode == 0


@pytest.mark.parametrize(
    "stray",
    [
        "cloudhands/__init__.py",
        "cloudhands-web/cloudhands/__init__.py",
        "lib/site-packages/cloudhands/__init__.pyi",
        "cloudhands.py",
    ],
)
def test_a_stray_file_is_found_and_named(tmp_path, stray):
    good = tmp_path / "cloudhands-common" / "cloudhands" / "common" / "__init__.py"
    good.parent.mkdir(parents=True)
    good.touch()
    assert check_namespace(tmp_path).returncode == 0

    bad = tmp_path / stray
    bad.parent.mkdir(parents=True, exist_ok=True)
    bad.touch()
    result = check_namespace(tmp_path)
    assert result.returncode == 1
    assert str(bad) in result.stderr
    assert str(good) not in result.stderr


def test_the_guard_refuses_a_folder_that_is_not_there(tmp_path):
    assert check_namespace(tmp_path / "absent").returncode != 0
