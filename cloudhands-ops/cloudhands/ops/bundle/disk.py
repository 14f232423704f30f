"""What the system refuses to do with files, in one line that says what to do."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_REMEDIES = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EROFS: "mount it for writing",
    errno.EACCES: "deploy as the one whose it is",
    errno.EPERM: "deploy as the one whose it is",
}
# How programs say it: Python, pip, SQLite, PostgreSQL.
_FULL = re.compile(
    r"no space left on device|database or disk is full|disk quota exceeded", re.IGNORECASE
)


def told(error: OSError, where: Path) -> str:
    """An error in words.

    :param where: what it concerns, if it does not say so itself.
    """
    # Of two files the second one is written.
    place = error.filename2 or error.filename or where
    remedy = _REMEDIES.get(error.errno or 0)
    return f"{place}: {error.strerror or error}" + (f": {remedy}" if remedy else "")


@contextmanager
def naming(file: Path) -> Iterator[None]:
    """Let an error in a `with` block name the file that is written: by itself it hardly ever does.

    :raises OSError: that error, with the file's name.
    """
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(file)) from error


def tells_of_full(words: str) -> bool:
    """Whether a program says that a disk is full."""
    return _FULL.search(words) is not None
