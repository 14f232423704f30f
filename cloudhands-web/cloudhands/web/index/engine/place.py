"""The index's folder: sets of files, a link to the one that is served, and the writer's lock.

::

    people-FORMAT/
        lock            held by the writer; empty
        current         a link to the set of files that readers open, switched by a rename
        files-*/        a set of files; another than the served one is being built, or left over

A set that is left over by a crash is removed by the next writer, one that is served no more at
once: who has opened it keeps it, who is about to looks at the link again.
"""

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cloudhands.common.errors import ConfigurationError
from cloudhands.web.index.engine.schema import FORMAT

META = "meta.json"
CURRENT, FRESH, LOCK = "current", "current.new", "lock"
FILES = "files-"

# One that was told to stop may need a moment; another one may look whether the lock is held.
PATIENCE_SECONDS = 0.5
POLL_SECONDS = 0.05


def location(folder: Path) -> Path:
    """Where the files of this format are, below the folder of the settings."""
    return folder / f"people-{FORMAT}"


@dataclass(frozen=True)
class Place:
    """The folder of one index.

    :param path: as `location` gives it.
    """

    path: Path

    @property
    def meta(self) -> Path:
        """The file whose status tells readers whether there is another commit or set of files."""
        return self.path / CURRENT / META

    def served(self) -> Path | None:
        """The set of files that readers open, or None if there has been none."""
        try:
            return self.path / (self.path / CURRENT).readlink()
        except FileNotFoundError:
            return None

    def begin(self) -> Path:
        """An empty folder for another set of files."""
        made = self.path / f"{FILES}{secrets.token_hex(8)}"
        made.mkdir()
        return made

    def switch(self, to: Path) -> None:
        """Have readers open another set of files from now on; it is on the disk before.

        :raises OSError: if it cannot be; then the old one is served, or this one.
        """
        for file in to.iterdir():
            _settle(file)
        _settle(to)
        fresh = self.path / FRESH
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(to.name)
        fresh.replace(self.path / CURRENT)
        _settle(self.path)

    def clean(self) -> None:
        """Remove what is not served; what cannot be removed stays for the next time."""
        served = self.served()
        with suppress(FileNotFoundError):
            (self.path / FRESH).unlink()
        for left in self.path.glob(f"{FILES}*"):
            if left != served:
                shutil.rmtree(left, ignore_errors=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the only writer during the block; the folder is made if there is none.

        :raises ConfigurationError: if another process is, or the folder cannot be used.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise ConfigurationError(
                f"the index {self.path} cannot be written: {error.strerror}. Let this user write "
                "there, or set index.folder to where it may"
            ) from error
        try:
            if not _taken(descriptor):
                raise ConfigurationError(
                    f"another cloud-index is writing {self.path}: wait until it has ended, or stop "
                    "it; cloud-index --status tells which one it is"
                )
            yield
        finally:
            # Gives the lock back, as the end of the process would, whatever ends it.
            os.close(descriptor)

    def is_held(self) -> bool:
        """Whether a writer is at work; takes no right but to read."""
        try:
            descriptor = os.open(self.path / LOCK, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)


def share(path: Path) -> None:
    """Let whoever may read a set of files read its last commit: tantivy writes it for its own user.

    :raises OSError: if there is none.
    """
    meta, mode = path / META, path.stat().st_mode & 0o666
    if meta.stat().st_mode & 0o777 != mode:
        meta.chmod(mode)


def _taken(descriptor: int) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
        time.sleep(POLL_SECONDS)


def _settle(path: Path) -> None:
    """Wait until a file, or a folder's list of files, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
