import pytest
from packaging.markers import Marker

from building.targets import Target, best, glibc_of

X86 = Target("3.12", "x86_64")
ARM = Target("3.12", "aarch64")


@pytest.mark.parametrize(
    ("name", "taken_by"),
    [
        ("a-1-py3-none-any.whl", {X86, ARM}),
        ("a-1-py2.py3-none-any.whl", {X86, ARM}),
        ("a-1-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", {X86}),
        ("a-1-cp36-abi3-manylinux2014_aarch64.whl", {ARM}),
        ("a-1-cp312-cp312-manylinux1_x86_64.whl", {X86}),
        ("a-1-cp311-cp311-manylinux2014_x86_64.whl", set()),  # another Python
        ("a-1-cp313-abi3-manylinux2014_x86_64.whl", set()),  # a later one
        ("a-1-cp312-cp312-musllinux_1_2_x86_64.whl", set()),
        ("a-1-cp312-cp312-manylinux_2_34_x86_64.whl", set()),  # too new a C library
        ("a-1-cp312-cp312-win_amd64.whl", set()),
    ],
)
def test_a_wheel_is_for_the_targets_that_its_name_tells(name, taken_by):
    assert {target for target in (X86, ARM) if best(target, [name])} == taken_by


def test_of_several_the_one_that_pip_would_take():
    names = [
        "a-1-py3-none-any.whl",
        "a-1-cp312-abi3-manylinux2014_x86_64.whl",
        "a-1-cp312-cp312-manylinux2014_x86_64.whl",
        "a-1-cp312-cp312-manylinux_2_28_x86_64.whl",
    ]
    while names:
        assert best(X86, names) == names.pop()
    assert best(X86, []) is None


@pytest.mark.parametrize(
    ("marker", "pythons"),
    [
        ("python_version >= '3.13'", {"3.13"}),
        ("python_full_version < '3.12'", {"3.11"}),
        # A bundle for 3.11 is for each of its patch releases.
        ("python_full_version < '3.11.4'", {"3.11"}),
        ("python_full_version >= '3.11.4' and python_version < '3.12'", {"3.11"}),
        ("implementation_name != 'pypy' and sys_platform == 'linux'", {"3.11", "3.12", "3.13"}),
        ("platform_machine == 'aarch64'", set()),
        ("sys_platform == 'win32'", set()),
        ("extra == 'testing'", set()),
    ],
)
def test_markers_are_read_for_the_target_and_not_for_who_builds(marker, pythons):
    found = {
        python
        for python in ("3.11", "3.12", "3.13")
        if Target(python, "x86_64").takes(Marker(marker))
    }
    assert found == pythons


def test_an_extra_counts_where_it_is_asked_for():
    assert X86.takes(Marker("extra == 'binary'"), "binary")


def test_the_c_library_that_every_wheel_runs_with():
    pure = "a-1-py3-none-any.whl"
    # A wheel with several names runs with the oldest of them.
    several = "b-1-cp312-cp312-manylinux_2_26_x86_64.manylinux_2_28_x86_64.whl"
    assert glibc_of([pure, several]) == "2.26"
    assert glibc_of([pure, several, "c-1-cp312-abi3-manylinux_2_28_x86_64.whl"]) == "2.28"
    assert glibc_of([pure, "b-1-cp312-cp312-manylinux1_x86_64.whl"]) == "2.17"
