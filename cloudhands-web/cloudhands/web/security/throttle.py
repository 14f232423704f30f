"""Slows down guessing: sign-in attempts are counted before anything costly is computed.

Counts are kept in the process: with several processes each allows its own number.
"""

import math
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from cloudhands.common.errors import TooManyAttempts

PER_UID = RateLimitItemPerMinute(10, 5)
PER_ADDRESS = RateLimitItemPerMinute(100, 5)
PLACE_SECONDS = 2


class Throttle:
    """Counts attempts by uid and by client address, and bounds how many are checked at once.

    :param at_once: a directory that hangs must not hold every thread of the portal.
    """

    def __init__(self, at_once: int) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._places = BoundedSemaphore(at_once)

    @contextmanager
    def attempt(self, uid: str, address: str) -> Iterator[None]:
        """Count one attempt, and hold a place while it is checked.

        :raises TooManyAttempts: if there were too many lately, or there is no place.
        """
        self._count(PER_ADDRESS, "address", address)
        self._count(PER_UID, "uid", _folded(uid))
        if not self._places.acquire(timeout=PLACE_SECONDS):
            raise TooManyAttempts(
                "Many people are signing in, or the directory is slow. Try again in a few seconds.",
                PLACE_SECONDS,
            )
        try:
            yield
        finally:
            self._places.release()

    def _count(self, item: RateLimitItem, kind: str, key: str) -> None:
        if self._limiter.hit(item, kind, key):
            return
        reset = self._limiter.get_window_stats(item, kind, key).reset_time
        wait = max(1.0, reset - time.time())
        raise TooManyAttempts(
            f"Too many attempts to sign in. Try again in {math.ceil(wait / 60)} min.", wait
        )

    def succeeded(self, uid: str) -> None:
        """Forget a uid's attempts, once its password was right."""
        self._limiter.clear(PER_UID, "uid", _folded(uid))


def _folded(uid: str) -> str:
    # LDAP takes other cases, widths and spaces for the same uid (RFC 4518).
    return " ".join(unicodedata.normalize("NFKC", uid).casefold().split())
