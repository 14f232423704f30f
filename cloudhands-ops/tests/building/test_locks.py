"""The locks in requirements/ belong to the .in files beside them, and to each other."""

import subprocess

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from building import locks
from building.testing import ROOT

FOLDER = ROOT / "requirements"
SMALLER = {"bundle": "runtime", "demo": "runtime", "building": "runtime", "development": "building"}


def asked_for(name):
    """The direct dependencies of a set, with those of the sets that it names."""
    for line in (FOLDER / f"{name}.in").read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            yield from asked_for(line.removeprefix("-r ").removesuffix(".in"))
        elif line and not line.startswith("#"):
            yield Requirement(line)


@pytest.mark.parametrize("name", ["runtime", *SMALLER])
def test_each_lock_has_what_is_asked_for(name):
    locked = {(each.name, each.version) for each in locks.read(FOLDER / f"{name}.txt")}
    for wanted in asked_for(name):
        found = [version for each, version in locked if each == canonicalize_name(wanted.name)]
        assert found, wanted
        assert list(wanted.specifier.filter(found, prereleases=True)) == found, wanted
    if name in SMALLER:
        smaller = locks.read(FOLDER / f"{SMALLER[name]}.txt")
        assert {(each.name, each.version) for each in smaller} <= locked


def test_compiling_explains_itself_without_its_program():
    done = subprocess.run(
        [FOLDER / "compile.sh", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("usage: ")
    assert "--check" in done.stdout
