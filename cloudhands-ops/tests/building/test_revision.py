import subprocess
import tarfile

import pytest

from building import distributions, place, revision, tars, versions
from building.testing import commit, git
from cloudhands.common.errors import ConfigurationError


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A repository of one commit."""
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "root"
    root.mkdir()
    (root / "VERSION").write_text("1.2.0\n")
    (root / "other").write_text("as it was\n")
    commit(root)
    return root


@pytest.fixture
def scratch(tmp_path):
    """An empty folder."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def version_of(root, scratch, *, allow_dirty=False):
    found = revision.read(root, scratch, allow_dirty=allow_dirty)
    return versions.version_of(root, found, (root / "VERSION").read_text().strip())


def test_before_the_first_tag(root, scratch):
    head = commit(root)
    assert version_of(root, scratch) == f"1.2.0.dev2+g{head[:12]}"


def test_on_a_tag_and_after_it(root, scratch):
    git(root, "tag", "v1.2.0")
    git(root, "tag", "another-word")
    assert version_of(root, scratch) == "1.2.0"
    head = commit(root)
    # Later than 1.2.0, though nobody wrote the next version yet.
    assert version_of(root, scratch) == f"1.2.1.dev1+g{head[:12]}"
    (root / "VERSION").write_text("1.3.0rc1\n")
    head = commit(root)
    assert version_of(root, scratch) == f"1.3.0rc1.dev2+g{head[:12]}"
    git(root, "tag", "-a", "-m", "One", "v1.3.0rc1")
    assert version_of(root, scratch) == "1.3.0rc1"
    head = commit(root)
    assert version_of(root, scratch) == f"1.3.0rc2.dev1+g{head[:12]}"


@pytest.mark.parametrize(
    ("written", "tag", "more", "said"),
    [
        ("1.2.0", "v1.3.0", False, "v1.3.0 is on this commit, and VERSION says 1.2.0"),
        ("1.2.0", "v1.3.0", True, "VERSION says 1.2.0, and v1.3.0 was released before"),
        ("1.2.0", "v1-final", True, "the tag v1-final names no version"),
        ("one", "v1.2.0", True, "VERSION says 'one', which is no version"),
    ],
)
def test_version_and_tag_that_contradict_each_other(root, scratch, written, tag, more, said):
    (root / "VERSION").write_text(written + "\n")
    commit(root)
    git(root, "tag", tag)
    if more:
        commit(root)
    with pytest.raises(ConfigurationError, match=said):
        version_of(root, scratch)


def test_without_the_whole_history_there_is_no_version(root, scratch, tmp_path):
    commit(root)
    git(tmp_path, "clone", "-q", "--depth=1", root.as_uri(), "shallow")
    with pytest.raises(ConfigurationError, match="git fetch --unshallow --tags"):
        version_of(tmp_path / "shallow", scratch)


def test_changes_are_named_and_refused(root, scratch):
    (root / "other").write_text("changed\n")
    (root / "näw").touch()
    with pytest.raises(ConfigurationError) as caught:
        revision.read(root, scratch, allow_dirty=False)
    assert "that are in no commit: other, näw: commit or" in str(caught.value)
    for number in range(4):
        (root / f"zz{number}").touch()
    with pytest.raises(ConfigurationError, match="and 3 more: commit or remove them, or add"):
        revision.read(root, scratch, allow_dirty=False)


def test_changes_that_are_allowed_are_built_and_mark_the_version(root, scratch, tmp_path):
    clean = version_of(root, scratch)
    objects = sorted((root / ".git").rglob("*"))
    (root / "other").write_text("changed\n")
    (root / "new").write_text("new\n")
    found = revision.read(root, scratch, allow_dirty=True)
    assert found.dirty
    version = versions.version_of(root, found, "1.2.0")
    assert version.startswith(clean + ".dirty.t")
    revision.export(root, found, tmp_path / "tree", scratch)
    assert (tmp_path / "tree" / "new").read_text() == "new\n"
    assert (tmp_path / "tree" / "other").read_text() == "changed\n"
    # Other changes, another version; and the repository has nothing of it.
    (root / "new").rename(root / "newer")
    with place.scratch_in(tmp_path / "place", 0) as another:
        again = revision.read(root, another, allow_dirty=True)
    assert versions.version_of(root, again, "1.2.0") not in (version, clean)
    assert [each for each in objects if not each.exists()] == []
    assert not {each.name for each in (root / ".git").rglob("*")} - {each.name for each in objects}


def test_a_candidate_that_became_the_release_bears_both_tags(root, scratch):
    git(root, "tag", "-m", "annotated, which git prefers", "v1.2.0rc1")
    git(root, "tag", "v1.2.0")
    assert version_of(root, scratch) == "1.2.0"


def test_what_git_was_told_elsewhere_changes_nothing(root, scratch, tmp_path, monkeypatch):
    (root / "other").write_text("$Format:%H$\n")
    head = commit(root)
    (root / ".git" / "info" / "attributes").write_text("VERSION export-ignore\n")
    (tmp_path / "git").mkdir()
    (tmp_path / "git" / "attributes").write_text("other export-subst\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    found = revision.read(root, scratch, allow_dirty=False)
    revision.export(root, found, tmp_path / "tree", scratch)
    assert (tmp_path / "tree" / "VERSION").read_text() == "1.2.0\n"
    assert (tmp_path / "tree" / "VERSION").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "tree" / "other").read_text() == "$Format:%H$\n"
    # Nor can another commit stand in for this one, or a new file be hidden.
    (root / "other").write_text("replaced\n")
    another = commit(root)
    git(root, "reset", "-q", "--hard", head)
    git(root, "replace", head, another)
    git(root, "checkout", "-q", "--force", "HEAD")
    with pytest.raises(ConfigurationError, match="in no commit: other: commit"):
        revision.refuse_changes(root, allow=False)
    git(root, "replace", "--delete", head)
    git(root, "reset", "-q", "--hard")
    git(root, "config", "status.showUntrackedFiles", "no")
    (root / "new").touch()
    with pytest.raises(ConfigurationError, match="in no commit: new: commit"):
        revision.refuse_changes(root, allow=False)


def test_what_is_made_is_no_change_of_the_work_tree(root, tmp_path):
    (root / ".gitignore").write_text("dist/\n")
    for folder in (root / "dist", root / "dist" / "deeper", tmp_path / "outside"):
        revision.refuse_inside(root, folder)
    for folder in (root, root / "releases"):
        with pytest.raises(ConfigurationError, match="and git does not ignore it: name another"):
            revision.refuse_inside(root, folder)


def test_a_tagged_commit_with_changes_is_not_the_release(root, scratch):
    git(root, "tag", "v1.2.0")
    (root / "other").write_text("changed\n")
    found = version_of(root, scratch, allow_dirty=True)
    assert found.startswith("1.2.1.dev0+g")
    assert ".dirty.t" in found


def test_no_repository(tmp_path, root):
    with pytest.raises(ConfigurationError, match="not a git repository"):
        revision.refuse_changes(tmp_path, allow=True)
    inside = root / "inside"
    inside.mkdir()
    with pytest.raises(ConfigurationError, match="inside is not a clone of the repository"):
        revision.refuse_changes(inside, allow=True)


def test_no_git(root, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigurationError, match="git is missing: apt-get install git"):
        revision.refuse_changes(root, allow=True)


def test_a_tar_file_tells_nothing_of_who_packed_it(tmp_path):
    made = []
    for number, umask in enumerate(("022", "077")):
        folder = tmp_path / str(number) / "bundle"
        script = (
            f"umask {umask}; mkdir -p {folder}/b {folder}/a; echo 1 >{folder}/a/one; cd {folder};"
            f"echo 2 >b/{'n' * 120}; touch -d @{number} a; chmod u+x a/one"
        )
        subprocess.run(["sh", "-c", script], check=True)
        file = tmp_path / f"{number}.tar"
        tars.write(folder, file, 1_000_000)
        made.append(file.read_bytes())
        folder.rename(folder.with_name("source"))
        subprocess.run(
            ["tar", "-czf", tmp_path / "old.tar.gz", "-C", tmp_path / str(number), "source"],
            check=True,
        )
        tars.repack(tmp_path / "old.tar.gz", tmp_path / f"{number}.tar.gz", 1_000_000)
        made.append((tmp_path / f"{number}.tar.gz").read_bytes())
    assert made[:2] == made[2:]
    with tarfile.open(tmp_path / "0.tar") as archive:
        members = {member.name: (member.mode, member.mtime) for member in archive}
        owners = {(member.uid, member.gid, member.uname, member.gname) for member in archive}
    assert owners == {(0, 0, "", "")}
    with tarfile.open(tmp_path / "0.tar.gz") as archive:
        assert archive.getnames() == sorted(archive.getnames())
    assert members["bundle/a/one"] == (0o755, 1_000_000)
    assert members["bundle/b/" + "n" * 120] == (0o644, 1_000_000)
    assert list(members) == sorted(members)


def test_what_is_no_tar_file_is_refused(tmp_path):
    (tmp_path / "torn.tar").write_bytes(b"torn")
    with pytest.raises(ConfigurationError, match=r"torn.tar cannot be unpacked: "):
        tars.unpack(tmp_path / "torn.tar", tmp_path)


def test_one_run_at_a_time_and_what_one_left_is_removed(tmp_path):
    (tmp_path / place.SCRATCH).mkdir()
    (tmp_path / place.SCRATCH / "left").touch()
    with place.scratch_in(tmp_path, 0) as scratch:
        assert list(scratch.iterdir()) == []
        with pytest.raises(ConfigurationError, match=r"another build\.sh is at work"):
            place.scratch_in(tmp_path, 0).__enter__()
    assert not scratch.exists()


def test_too_little_room(tmp_path):
    with pytest.raises(ConfigurationError, match=r"MiB left, and about 1048576 MiB are needed"):
        place.scratch_in(tmp_path, 1 << 40).__enter__()


def test_prepare_leaves_no_link(root, tmp_path):
    part = root / "cloudhands-common"
    (part / "cloudhands" / "common").mkdir(parents=True)
    (part / "VERSION").symlink_to("../VERSION")
    distributions.prepare(root, "9.8.7", "a" * 40)
    assert not (part / "VERSION").is_symlink()
    assert (part / "VERSION").read_text() == "9.8.7\n"
    assert (part / "cloudhands" / "common" / "REVISION").read_text() == "a" * 40 + "\n"
