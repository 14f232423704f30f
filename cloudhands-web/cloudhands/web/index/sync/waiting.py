"""How long a follower waits after a failure, and how it waits."""

import random
import threading
import time
from collections.abc import Callable

from cloudhands.web.index.sync.guard import DeletionsRefused

FIRST_RETRY = 1.0
LONGEST_RETRY = 60.0
# Whoever was synced and connected for so long does not fail again and again.
STEADY = LONGEST_RETRY
# What is refused is read again and again until somebody confirms it: that may take this part of the
# time, unless the interval is shorter.
REFUSED_SHARE = 0.1
# How often a wait is interrupted to look whether somebody wants something.
LOOK_SECONDS = 0.5


def after_failure(error: Exception, failures: int, took: float) -> float:
    """Seconds to wait after a failure that followed so many others.

    Not the growing wait alone: to read a large directory in vain is a load on it.

    :param took: seconds that the attempt took; 0 if it had synced.
    """
    least = took if took > STEADY else 0.0
    if isinstance(error, DeletionsRefused):
        least = took / REFUSED_SHARE
    return max(least, retry_after(failures) * random.uniform(0.5, 1.0))


def retry_after(failures: int) -> float:
    """The longest wait, in seconds, after a failure that followed so many others."""
    return min(LONGEST_RETRY, FIRST_RETRY * 2.0 ** min(failures, 16))


def wait(seconds: float, stopping: threading.Event, called: Callable[[], bool]) -> None:
    """Wait, unless the process has to stop, or somebody calls."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not called():
        if stopping.wait(min(left, LOOK_SECONDS)):
            return
