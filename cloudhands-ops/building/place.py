"""Where a run works: a folder of its own beside what it makes, removed in the end."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloudhands.common.errors import ConfigurationError

SCRATCH = ".building"
LOCK = ".building.lock"


@contextmanager
def scratch_in(folder: Path, space: int) -> Iterator[Path]:
    """An empty folder inside another, which is made if it is not there.

    What a run that was killed left is removed. One run at a time.

    :param space: how many bytes have to be free.
    :raises ConfigurationError: if another run is at work, or there is too little space.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(f"another build.sh is at work in {folder}: wait") from None
        # The programs that go on with the work keep it too: they may outlive the one that began it.
        os.set_inheritable(lock.fileno(), True)
        scratch = folder / SCRATCH
        shutil.rmtree(scratch, ignore_errors=True)
        free = shutil.disk_usage(folder).free
        if free < space:
            raise ConfigurationError(
                f"{folder} has {free >> 20} MiB left, and about {space >> 20} MiB are needed: "
                "make room, or name another folder"
            )
        scratch.mkdir()
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def publish(part: Path, file: Path) -> None:
    """Put a file that was written in full into its place, whatever happens to the machine."""
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    part.replace(file)
