"""What a run tells: a line for each step, and one line where an operator has to mend something."""

import errno
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from cloudhands.common.errors import CloudhandsError

PROGRAM = "build.sh"
_FULL = os.strerror(errno.ENOSPC)


def say(text: str) -> None:
    """Tell a step, at once."""
    print(text, flush=True)


def run(main: Callable[[], None], *, inner: bool = False) -> int:
    """Run, and turn what a person can mend into one line; returns the exit status.

    SIGTERM ends it as an interruption does: what was begun is removed.

    :param inner: the program that started this one tells of an interruption.
    """
    signal.signal(signal.SIGTERM, _end)
    try:
        main()
    except CloudhandsError as error:
        return _fail(str(error), 1)
    except KeyboardInterrupt:
        return 130 if inner else _fail("interrupted; what was begun is removed", 130)
    except OSError as error:
        return _fail(f"{error.filename or 'writing'}: {error.strerror or error}{_remedy(error)}", 1)
    return 0


def in_words(output: str) -> str:
    """What a program that failed said, as one line."""
    if _FULL in output:
        return f"{_FULL}: make room, or name another folder"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["it said nothing"])[-1]


def _remedy(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ": make room, or name another folder"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ": name a folder that you may write to"
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return ": name a folder"
    return ""


def _fail(text: str, status: int) -> int:
    print(f"{PROGRAM}: {text}", file=sys.stderr)
    return status


def _end(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
