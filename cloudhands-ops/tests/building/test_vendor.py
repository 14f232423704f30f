import pytest

from building import fetching, locks, selection, vendor
from building.asking import Asked
from building.targets import Target
from building.testing import write_lock, write_wheel
from cloudhands.common.errors import ConfigurationError

TARGETS = [Target("3.11", "x86_64"), Target("3.13", "aarch64")]


@pytest.fixture
def folder(tmp_path):
    """A vendor folder: one wheel for everywhere, one for each target, one for 3.13 alone."""
    folder = tmp_path / "vendor"
    for name, tag in [
        ("everywhere", "py3-none-any"),
        ("compiled", "cp311-cp311-manylinux2014_x86_64"),
        ("compiled", "cp313-cp313-manylinux2014_aarch64"),
        ("late", "py3-none-any"),
    ]:
        write_wheel(folder, name, "1.0", tag)
    return folder


@pytest.fixture
def lock(tmp_path, folder):
    """The lock that names them."""
    wheels = sorted(folder.iterdir())
    return write_lock(tmp_path / "bundle.txt", wheels, {"late": "python_version >= '3.13'"})


def chosen(folder, lock):
    found = selection.choose(vendor.read(folder), locks.read(lock), TARGETS)
    return [[wheel.file.name for wheel in found[target]] for target in TARGETS]


def test_each_target_gets_what_the_lock_says_for_it(folder, lock):
    assert chosen(folder, lock) == [
        ["compiled-1.0-cp311-cp311-manylinux2014_x86_64.whl", "everywhere-1.0-py3-none-any.whl"],
        [
            "compiled-1.0-cp313-cp313-manylinux2014_aarch64.whl",
            "everywhere-1.0-py3-none-any.whl",
            "late-1.0-py3-none-any.whl",
        ],
    ]


def test_a_missing_wheel_is_named_with_its_target(folder, lock):
    (folder / "compiled-1.0-cp313-cp313-manylinux2014_aarch64.whl").unlink()
    with pytest.raises(ConfigurationError) as caught:
        chosen(folder, lock)
    assert "lacks wheels: compiled 1.0 for Python 3.13 on aarch64: fetch" in str(caught.value)


def test_many_missing_wheels_are_counted(folder, lock):
    for wheel in folder.glob("*.whl"):
        wheel.unlink()
    with pytest.raises(ConfigurationError, match=r"; everywhere 1.0 .* and 2 more: "):
        chosen(folder, lock)


@pytest.mark.parametrize("change", ["foreign", "damaged", "own", "renamed"])
def test_what_no_lock_names_is_refused(folder, lock, change):
    known = frozenset(each for locked in locks.read(lock) for each in locked.hashes)
    vendor.refuse_foreign(vendor.read(folder), known)
    wheel = folder / "everywhere-1.0-py3-none-any.whl"
    if change == "foreign":
        wheel = write_wheel(folder, "foreign", "2.0")
    elif change == "damaged":
        wheel.write_bytes(wheel.read_bytes() + b"more")
    elif change == "own":
        wheel = folder / "notes.txt"
        wheel.write_text("of somebody's own")
    else:
        wheel = wheel.rename(folder / "everywhere.whl")
    with pytest.raises(ConfigurationError, match=f"no lock names.*: {wheel.name}: remove"):
        vendor.refuse_foreign(vendor.read(folder), known)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ConfigurationError, match="is not there: fetch the wheels"):
        vendor.read(tmp_path / "absent")


@pytest.mark.parametrize("line", ["a>=1 --hash=sha256:" + "0" * 64, "a==1", "-r other.txt", "a=="])
def test_a_lock_that_pins_nothing_is_refused(tmp_path, line):
    file = tmp_path / "lock.txt"
    file.write_text(line + "\n")
    with pytest.raises(ConfigurationError, match=r"lock.txt: .*run requirements/compile.sh"):
        locks.read(file)


@pytest.fixture
def asked(tmp_path, folder, lock, monkeypatch):
    """What --vendor is asked for, where the wheels are to be had in a folder."""
    (tmp_path / "requirements").mkdir()
    lock.rename(tmp_path / "requirements" / "bundle.txt")
    write_lock(tmp_path / "requirements" / "building.txt", [])
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    (tmp_path / "fetched").mkdir()
    return Asked(
        root=tmp_path,
        vendor=True,
        vendor_folder=tmp_path / "fetched",
        output=tmp_path,
        pythons=("3.13",),
        machines=("aarch64",),
        site=None,
        key=None,
        venv=True,
        manual=True,
        allow_dirty=False,
    )


def wheels_in(folder):
    return sorted(file.name for file in folder.glob("*.whl"))


def test_fetching_goes_on_where_it_was(tmp_path, asked, capsys):
    fetched = asked.vendor_folder
    fetching.fetch(asked, tmp_path / "scratch1")
    complete = wheels_in(fetched)
    assert complete == [
        "compiled-1.0-cp313-cp313-manylinux2014_aarch64.whl",
        "everywhere-1.0-py3-none-any.whl",
        "late-1.0-py3-none-any.whl",
    ]
    (fetched / complete[0]).unlink()
    (fetched / complete[1]).write_bytes(b"cut off")
    write_wheel(fetched, "older", "0.9")
    capsys.readouterr()
    fetching.fetch(asked, tmp_path / "scratch2")
    assert wheels_in(fetched) == complete
    told = capsys.readouterr().out
    assert "removed older-0.9-py3-none-any.whl: no lock names it" in told
    assert "Python 3.13 on aarch64: 1 of 3 wheels are there" in told
    assert "  2 of 2  " in told


def test_what_cannot_be_fetched_is_named(tmp_path, asked, folder):
    (folder / "late-1.0-py3-none-any.whl").unlink()
    with pytest.raises(ConfigurationError, match=r"late 1.0 for Python 3.13 on aarch64: ERROR"):
        fetching.fetch(asked, tmp_path / "scratch")


def test_another_content_under_the_same_name_is_refused(tmp_path, asked, folder):
    write_wheel(folder, "late", "1.0", fields={"Summary": "changed on its way"})
    with pytest.raises(ConfigurationError, match=r"late 1\.0"):
        fetching.fetch(asked, tmp_path / "scratch")
    assert "late-1.0-py3-none-any.whl" not in wheels_in(asked.vendor_folder)


def test_a_folder_of_somebody_s_own_is_left_alone(tmp_path, asked):
    own = write_wheel(asked.vendor_folder, "own", "1.0")
    with pytest.raises(ConfigurationError, match=r"was not made by build\.sh --vendor"):
        fetching.fetch(asked, tmp_path / "scratch")
    assert own.exists()
