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
_OTHERS = (
    "GIT_DIR",
    "GIT_COMMON_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
)
# Whoever builds may have told git, in a clone or for all, to change what it packs; and replaced a
# commit by another, which would be built under the name of the first.
_PLAIN = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "XDG_CONFIG_HOME": os.devnull,
}
# Whatever is set: a file that git does not know is a change too.
_STATUS = ("status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=none")
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
    lines = git(root, "-c", "core.quotePath=false", *_STATUS).splitlines()
    changed = [re.sub(r"^\s*\S+\s+", "", line) for line in lines]
    if changed and not allow:
        raise ConfigurationError(_refusal(changed))
    return changed


def refuse_inside(root: Path, folder: Path) -> None:
    """Refuse a folder where what is written would be a change of the work tree.

    :raises ConfigurationError: if it is in the work tree, and git does not ignore it.
    """
    folder, root = folder.resolve(), root.resolve()
    if not folder.is_relative_to(root):
        return
    if folder == root or _run(root, "check-ignore", "--quiet", f"{folder}/").returncode:
        raise ConfigurationError(
            f"{folder} is in the work tree, and git does not ignore it: name another with --output"
        )


def export(root: Path, revision: Revision, folder: Path, scratch: Path) -> None:
    """Unpack git's archive of the revision into a folder, as it is on every machine.

    It is packed in a repository that has no settings and no attributes of its own.
    """
    folder.mkdir()
    bare, file = scratch / "bare", scratch / "revision.tar"
    git(root, "init", "--quiet", "--bare", "--template=", str(bare), **_PLAIN)
    own = _objects(root)
    made = scratch / "objects"
    known = f"{made}{os.pathsep}{own}" if made.is_dir() else own
    # The mask is that of whoever builds, if none is given.
    archive = ("archive", "--format=tar", f"--output={file}", revision.tree)
    environment = {**_PLAIN, "GIT_ALTERNATE_OBJECT_DIRECTORIES": known}
    git(bare, "-c", "tar.umask=0022", *archive, **environment)
    tars.unpack(file, folder)
    file.unlink()


def git(root: Path, *arguments: str, **environment: str) -> str:
    """What git prints.

    :param environment: variables that are set for it.
    :raises ConfigurationError: if git refuses, with its own last line.
    """
    done = _run(root, *arguments, **environment)
    if done.returncode:
        raise ConfigurationError(f"git: {in_words(done.stderr)}")
    return done.stdout.rstrip("\n")


def _run(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    environ = {key: value for key, value in os.environ.items() if key not in _OTHERS}
    environ |= {"LC_ALL": "C.UTF-8", "GIT_NO_REPLACE_OBJECTS": "1", **environment}
    return subprocess.run(
        ["git", "-C", root, *arguments], capture_output=True, text=True, check=False, env=environ
    )


def _objects(root: Path) -> str:
    """Where the repository keeps its objects."""
    return git(root, "rev-parse", "--path-format=absolute", "--git-path", "objects")


def _tree(root: Path, scratch: Path) -> str:
    """The work tree as it is, as a tree of git's, in an object folder and an index of our own."""
    objects = scratch / "objects"
    objects.mkdir()
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        environment = {
            "GIT_INDEX_FILE": str(Path(folder) / "index"),
            "GIT_OBJECT_DIRECTORY": str(objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": _objects(root),
        }
        git(root, "read-tree", "HEAD", **environment)
        git(root, "add", "--all", ".", **environment)
        return git(root, "write-tree", **environment)


def _refusal(changed: list[str]) -> str:
    names = ", ".join(changed[:_SHOWN])
    more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
    return (
        f"the work tree has changes that are in no commit: {names}{more}: commit or remove them, "
        "or add --allow-dirty"
    )
