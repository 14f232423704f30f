import os
import resource
import shutil
import sys
from pathlib import Path

import pytest
from structlog.testing import CapturingLogger

from cloudhands.common.errors import ConfigurationError, IndexUnavailable
from cloudhands.web.index import engine
from cloudhands.web.index.engine import files, place
from cloudhands.web.index.people import People


def ids(folder):
    return {person.id for person in People(folder).search("name", 100)}


def sets(folder):
    """The sets of files that are there."""
    return [each.name for each in engine.location(folder).glob("files-*")]


# --- Changes and positions -----------------------------------------------------------------------


def test_before_anything(tmp_path):
    with engine.writer(tmp_path) as writer:
        assert writer.position() is None
        assert writer.people() == 0
        assert writer.ids() == frozenset()
        assert writer.known(["x"]) == frozenset()


def test_people_and_position_are_one_commit(tmp_path, entry, at):
    with engine.writer(tmp_path) as writer:
        writer.replace(map(entry, range(5)), at(0))
        writer.change([entry(5), entry(1, "Other")], ["id-2", "id-77"], at(1, b"next"))
        assert writer.position() == at(1, b"next")
        assert writer.people() == 5
        assert writer.ids() == {"id-0", "id-1", "id-3", "id-4", "id-5"}
        assert writer.known(["id-1", "id-2", "", "id-77", "x" * 70_000]) == {"id-1"}
    assert ids(tmp_path) == {"id-0", "id-3", "id-4", "id-5"}
    people = People(tmp_path)
    assert [person.id for person in people.search("other")] == ["id-1"]
    assert people.synced() == at(1).synced
    with engine.writer(tmp_path) as writer:
        assert writer.position() == at(1, b"next")
        assert writer.ids() == {"id-0", "id-1", "id-3", "id-4", "id-5"}


def test_who_of_many_is_known(tmp_path, entry, at, monkeypatch):
    with engine.writer(tmp_path) as writer:
        writer.replace(map(entry, range(9)), at(0))
        writer.change([], ["id-3"], at(1))
        asked = [f"id-{number}" for number in range(3, 30)]
        few = writer.known(asked)
        monkeypatch.setattr(sys.modules[engine.Writer.__module__], "MANY", 5)
        assert writer.known(asked) == few == {f"id-{number}" for number in range(4, 9)}


def test_a_change_of_nothing_there_makes_the_index(tmp_path, entry, at):
    with engine.writer(tmp_path) as writer:
        writer.change([entry(1)], [], at(0))
        assert writer.position() == at(0)
    assert ids(tmp_path) == {"id-1"}


def test_who_is_removed_and_put_is_there(tmp_path, entry, at):
    with engine.writer(tmp_path) as writer:
        writer.replace([entry(1)], at(0))
        writer.change([entry(1), entry(1, "Name Twice")], ["id-1"], at(1))
        assert writer.people() == 1
    assert [person.name for person in People(tmp_path).search("name")] == ["Name Twice"]


def test_of_several_of_one_identifier_the_last_one_counts(tmp_path, entry, at):
    with engine.writer(tmp_path) as writer:
        writer.replace([entry(1), entry(2), entry(1, "Name Last")], at(0))
        assert writer.people() == 2
    found = {person.id: person.name for person in People(tmp_path).search("name")}
    assert found == {"id-1": "Name Last", "id-2": "Name"}


def test_whoever_could_not_be_removed_again_is_left_out(tmp_path, entry, at):
    with engine.writer(tmp_path) as writer:
        writer.replace([entry(1), entry("x" * 100_000)], at(0))
        writer.change([entry("y" * 100_000)], [], at(1))
        assert writer.ids() == {"id-1"}


def test_where_only_the_time_changes_nothing_is_committed(tmp_path, entry, at):
    told = []
    with engine.writer(tmp_path, told=told.append) as writer:
        writer.replace([entry(1)], at(0))
        reader = engine.Reader(tmp_path)
        before = reader.snapshot()
        for minute in (1, 2):
            writer.change([], [], at(minute))
            assert reader.snapshot() is before
            assert reader.snapshot().synced == at(minute).synced
        assert len(told) == 1
        writer.change([], [], at(3, b"another cookie"))
        assert reader.snapshot().position == at(3, b"another cookie")
        assert len(told) == 2
    assert engine.Reader(tmp_path).snapshot().synced == at(3).synced


def test_a_time_that_cannot_be_kept_is_told(tmp_path, entry, at):
    with engine.writer(tmp_path) as writer:
        writer.replace([entry(1)], at(0))
        (engine.location(tmp_path) / "current" / "synced").symlink_to("/nowhere/at/all")
        with pytest.raises(IndexUnavailable, match="cannot be written"):
            writer.change([], [], at(1))
        assert writer.position() == at(0)


def test_each_commit_is_told(tmp_path, entry, at):
    told = []
    with engine.writer(tmp_path, told=told.append) as writer:
        writer.replace(map(entry, range(3)), at(0))
        writer.change([entry(7)], ["id-0", "id-1"], at(1))
    assert [(one.put, one.removed, one.people, one.anew) for one in told] == [
        (3, 0, 3, True),
        (1, 2, 2, False),
    ]
    assert all(one.seconds > 0 for one in told)


def test_many_small_commits_stay_few_files(tmp_path, entry, at):
    with engine.writer(tmp_path) as writer:
        writer.replace(map(entry, range(50)), at(0))
        for number in range(24):
            writer.change([entry(40 + number)], [], at(number))
        assert engine.Reader(tmp_path).snapshot().searcher.num_segments < 16
        assert writer.people() == 64


# --- Replacing -----------------------------------------------------------------------------------


def test_only_what_is_served_stays(tmp_path, entry, at):
    with engine.writer(tmp_path) as writer:
        for number in range(3):
            writer.replace([entry(number)], at(number))
            assert len(sets(tmp_path)) == 1
            assert ids(tmp_path) == {f"id-{number}"}


def test_a_failure_half_way_changes_nothing(tmp_path, entry, at):
    def failing():
        yield entry(7)
        raise KeyboardInterrupt

    people = People(tmp_path)
    with engine.writer(tmp_path) as writer:
        writer.replace(map(entry, range(3)), at(0))
        for act in (
            lambda: writer.replace(failing(), at(1)),
            lambda: writer.change(failing(), ["id-0"], at(1)),
        ):
            with pytest.raises(KeyboardInterrupt):
                act()
            assert len(people.search("name")) == writer.people() == 3
            assert writer.position() == at(0)
        assert len(sets(tmp_path)) == 1
        writer.change([entry(3)], [], at(1))
        assert len(people.search("name")) == 4


def test_a_switch_that_may_not_be_on_the_disk_is_gone_on_from(tmp_path, entry, at, monkeypatch):
    settle = place._settle

    def failing(path):
        if path == engine.location(tmp_path):
            raise OSError(5, "Input/output error")
        settle(path)

    with engine.writer(tmp_path) as writer:
        writer.replace([entry(1)], at(0))
        with monkeypatch.context() as patch:
            patch.setattr(place, "_settle", failing)
            with pytest.raises(IndexUnavailable, match="Input/output error"):
                writer.replace([entry(2)], at(1))
        # Readers have it; so what comes now has to go there.
        writer.change([entry(3)], [], at(2))
        assert ids(tmp_path) == writer.ids() == {"id-2", "id-3"}


def test_what_a_crash_left_is_removed_at_the_next_start(tmp_path, entry, at):
    with engine.writer(tmp_path) as writer:
        writer.replace([entry(1)], at(0))
    place = engine.location(tmp_path)
    (place / "files-0123456789abcdef").mkdir()
    (place / "files-0123456789abcdef" / "half").touch()
    (place / "current.new").symlink_to("files-0123456789abcdef")
    with engine.writer(tmp_path) as writer:
        assert len(sets(tmp_path)) == 1
        assert not (place / "current.new").is_symlink()
        assert writer.people() == 1
    assert ids(tmp_path) == {"id-1"}


# --- Other rules, damage -------------------------------------------------------------------------


def test_an_index_of_other_rules_is_made_anew_and_served_until_then(tmp_path, entry, at):
    with engine.writer(tmp_path, "old") as writer:
        writer.replace([entry(1)], at(0))
    for _ in range(2):
        with engine.writer(tmp_path, "new") as writer:
            assert writer.position() is None
            assert writer.ids() == {"id-1"}
            assert ids(tmp_path) == {"id-1"}
            with pytest.raises(ValueError, match="replaced"):
                writer.change([entry(2)], [], at(1))
    with engine.writer(tmp_path, "new") as writer:
        writer.replace([entry(2)], at(1))
        assert writer.position() == at(1)
        writer.change([entry(3)], [], at(2))
    with engine.writer(tmp_path, "new") as writer:
        assert writer.position() == at(2)
    assert ids(tmp_path) == {"id-2", "id-3"}


def test_what_is_to_be_made_anew_has_no_position(tmp_path, entry, at):
    with engine.writer(tmp_path) as writer:
        writer.replace([entry(1)], at(0))
    with engine.writer(tmp_path, anew=True) as writer:
        assert writer.position() is None
        writer.replace([entry(2)], at(1))
        assert writer.position() == at(1)


def test_what_is_forgotten_is_read_anew_and_served_until_then(tmp_path, entry, at):
    with engine.writer(tmp_path) as writer:
        writer.replace([entry(1)], at(0))
        writer.forget()
        assert writer.position() is None
        assert writer.ids() == ids(tmp_path) == {"id-1"}
        writer.replace([entry(2)], at(1))
        assert writer.position() == at(1)


def cut_off(file):
    os.truncate(file, file.stat().st_size // 2)


def flipped(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 4] ^= 0x10
    file.write_bytes(content)


def written_over(file):
    file.write_text("{")


DAMAGES = {
    "meta.json is cut off": ("meta.json", cut_off),
    "meta.json is another": ("meta.json", written_over),
    "meta.json is away": ("meta.json", Path.unlink),
    "a dictionary of terms has another bit": ("*.term", flipped),
    "who was removed is forgotten": ("*.del", Path.unlink),
    "the documents are cut off": ("*.store", cut_off),
    "the documents are away": ("*.store", Path.unlink),
    "the documents are something else": ("*.store", written_over),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_index_is_made_anew(tmp_path, entry, at, damage, monkeypatch):
    log = CapturingLogger()
    monkeypatch.setattr(sys.modules[engine.Writer.__module__], "log", log)
    with engine.writer(tmp_path) as writer:
        writer.replace(map(entry, range(50)), at(0))
        writer.change([], ["id-3"], at(1))
    pattern, harm = damage
    found = engine.location(tmp_path).glob(f"current/{pattern}")
    harm(max(found, key=lambda file: file.stat().st_size))
    with engine.writer(tmp_path) as writer:
        assert [call.method_name for call in log.calls] == ["error"]
        assert "damaged and is made anew" in log.calls[0].args[0]
        assert writer.position() is None
        assert writer.people() == 0
        writer.change([entry(2)], [], at(2))
        assert len(sets(tmp_path)) == 1
    assert ids(tmp_path) == {"id-2"}


def test_files_that_are_gone_are_made_anew(tmp_path, entry, at):
    with engine.writer(tmp_path) as writer:
        writer.replace([entry(1)], at(0))
    shutil.rmtree(engine.location(tmp_path) / sets(tmp_path)[0])
    with engine.writer(tmp_path) as writer:
        assert writer.position() is None
        writer.replace([entry(2)], at(1))
    assert ids(tmp_path) == {"id-2"}


# --- Who may write -------------------------------------------------------------------------------


def test_a_second_writer_is_refused(tmp_path):
    with (
        engine.writer(tmp_path),
        pytest.raises(ConfigurationError, match="another cloud-index is writing"),
        engine.writer(tmp_path),
    ):
        pass


def test_the_lock_is_given_back(tmp_path, entry, at):
    for number in range(3):
        with engine.writer(tmp_path) as writer:
            writer.replace([entry(number)], at(0))
            assert writer.people() == 1


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(ConfigurationError, match=r"cannot be written: .*index\.folder"),
        engine.writer(tmp_path / "file"),
    ):
        pass


@pytest.fixture
def no_space():
    """No file may become larger than some bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_where_nothing_more_can_be_written_the_last_commit_stays(
    tmp_path, entry, at, no_space, monkeypatch
):
    # What is logged meanwhile would not find space either, in the file that pytest keeps it in.
    for module in (files, sys.modules[engine.Writer.__module__]):
        monkeypatch.setattr(module, "log", CapturingLogger())
    with engine.writer(tmp_path) as writer:
        writer.replace(map(entry, range(5)), at(0))
        no_space(100)
        for act in (
            lambda: writer.change([entry(7)], ["id-0"], at(1)),
            lambda: writer.replace([entry(7)], at(1)),
        ):
            with pytest.raises(IndexUnavailable, match=r"cannot be written at .* Free space"):
                act()
            assert writer.position() == at(0)
            assert writer.people() == 5
        assert len(sets(tmp_path)) == 1
        no_space(resource.RLIM_INFINITY)
        writer.change([entry(7)], [], at(1))
    assert len(ids(tmp_path)) == 6
