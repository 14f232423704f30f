"""What is built: the commit that is checked out, and what git knows of it."""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from building import tars
from building.saying import in_words
from cloudhands.common.errors import ConfigurationError

# Set by a git that runs us, in a hook for instance: they would lead to another repository or index.
_OTHERS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
_SHOWN = 3  # of the files that were changed


@dataclass(frozen=True)
class Revision:
    """A commit, or a work tree that differs from it.

    :param commit: in full.
    :param tree: what git archives: the commit, or the tree made of a work tree with changes.
    :param epoch: when the commit was made, in seconds since 1970.
    """

    commit: str
    tree: str
    epoch: int

    @property
    def dirty(self) -> bool:
        """Whether there are changes that are in no commit."""
        return self.tree != self.commit


def read(root: Path, scratch: Path, *, allow_dirty: bool) -> Revision:
    """What is checked out.

    :param scratch: a folder for the objects of a work tree with changes; the repository gets none.
    :raises ConfigurationError: if there is no git, no repository, or changes that are not allowed.
    """
    changed = refuse_changes(root, allow=allow_dirty)
    commit, epoch = git(root, "log", "-1", "--format=%H %ct", "HEAD").split()
    tree = _tree(root, scratch) if changed else commit
    return Revision(commit, tree, int(epoch))


def refuse_changes(root: Path, *, allow: bool) -> list[str]:
    """The files of the work tree that differ from the commit, or are in none.

    :raises ConfigurationError: if there are any and they are not allowed, or if this is not the
        top of a work tree of git's.
    """
    if shutil.which("git") is None:
        raise ConfigurationError("git is missing: apt-get install git")
    top = git(root, "rev-parse", "--show-toplevel")
    if Path(top).resolve() != root.resolve():
        raise ConfigurationError(f"{root} is not a clone of the repository: build in one")
    lines = git(root, "-c", "core.quotePath=false", "status", "--porcelain").splitlines()
    changed = [re.sub(r"^\s*\S+\s+", "", line) for line in lines]
    if changed and not allow:
        raise ConfigurationError(_refusal(changed))
    return changed


def export(root: Path, revision: Revision, folder: Path, scratch: Path) -> None:
    """Unpack git's archive of the revision into a folder, as it is on every machine."""
    folder.mkdir()
    file = scratch / "revision.tar"
    archive = ("archive", "--format=tar", f"--output={file}", revision.tree)
    # Without umask: what git writes of the files' modes depends on a setting of the user's.
    git(root, "-c", "tar.umask=0022", *archive, objects=scratch / "objects")
    tars.unpack(file, folder)
    file.unlink()


def git(root: Path, *arguments: str, objects: Path | None = None, index: Path | None = None) -> str:
    """What git prints.

    :param objects: where new objects go, and are looked for, instead of the repository.
    :param index: the index that is used instead of the work tree's.
    :raises ConfigurationError: if git refuses, with its own last line.
    """
    environ = {key: value for key, value in os.environ.items() if key not in _OTHERS}
    environ["LC_ALL"] = "C.UTF-8"
    if objects and objects.is_dir():
        own = git(root, "rev-parse", "--path-format=absolute", "--git-path", "objects")
        environ |= {"GIT_OBJECT_DIRECTORY": str(objects), "GIT_ALTERNATE_OBJECT_DIRECTORIES": own}
    if index:
        environ["GIT_INDEX_FILE"] = str(index)
    done = subprocess.run(
        ["git", "-C", root, *arguments], capture_output=True, text=True, check=False, env=environ
    )
    if done.returncode:
        raise ConfigurationError(f"git: {in_words(done.stderr)}")
    return done.stdout.rstrip("\n")


def _tree(root: Path, scratch: Path) -> str:
    """The work tree as it is, as a tree of git's, in an object folder and an index of our own."""
    objects = scratch / "objects"
    objects.mkdir()
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        index = Path(folder) / "index"
        git(root, "read-tree", "HEAD", objects=objects, index=index)
        git(root, "add", "--all", ".", objects=objects, index=index)
        return git(root, "write-tree", objects=objects, index=index)


def _refusal(changed: list[str]) -> str:
    names = ", ".join(changed[:_SHOWN])
    more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
    return (
        f"the work tree has changes that are in no commit: {names}{more}: commit or remove them, "
        "or add --allow-dirty"
    )
