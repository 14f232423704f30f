"""Slows down guessing and gathering: attempts to sign in, and searches for people.

Attempts are counted before anything costly is computed, searches for each person who is signed in:
many enough to type, too few to carry a large directory away within days.

Counts are kept in the process: with several processes each allows its own number.
"""

import math
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

import structlog
from limits import (
    RateLimitItem,
    RateLimitItemPerDay,
    RateLimitItemPerHour,
    RateLimitItemPerMinute,
)
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from cloudhands.common.errors import TooManyAttempts

PER_UID = RateLimitItemPerMinute(10, 5)
PER_ADDRESS = RateLimitItemPerMinute(100, 5)
PLACE_SECONDS = 2
# For so many minutes of searching as much as one minute allows, an hour and a day have room.
BUSY_MINUTES_OF_AN_HOUR, BUSY_MINUTES_OF_A_DAY = 10, 20
# So often the log tells of one who searches too much.
TOLD = RateLimitItemPerHour(1)

log = structlog.get_logger(__name__)


class Throttle:
    """Counts attempts by uid and by client address, and bounds how many are checked at once.

    :param at_once: a directory that hangs must not hold every thread of the portal.
    :param searches: how many a person may make in a minute.
    """

    def __init__(self, at_once: int, searches: int) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._places = BoundedSemaphore(at_once)
        self._searches = (
            RateLimitItemPerMinute(searches),
            RateLimitItemPerHour(searches * BUSY_MINUTES_OF_AN_HOUR),
            RateLimitItemPerDay(searches * BUSY_MINUTES_OF_A_DAY),
        )

    @contextmanager
    def attempt(self, uid: str, address: str) -> Iterator[None]:
        """Count one attempt, and hold a place while it is checked.

        :raises TooManyAttempts: if there were too many lately, or there is no place.
        """
        for item, kind, key in ((PER_ADDRESS, "address", address), (PER_UID, "uid", _folded(uid))):
            if wait := self._wait(item, kind, key):
                raise TooManyAttempts(
                    f"Too many attempts to sign in. Try again in {math.ceil(wait / 60)} min.", wait
                )
        if not self._places.acquire(timeout=PLACE_SECONDS):
            raise TooManyAttempts(
                "Many people are signing in, or the directory is slow. Try again in a few seconds.",
                PLACE_SECONDS,
            )
        try:
            yield
        finally:
            self._places.release()

    def search(self, user_id: int) -> None:
        """Count one search for people.

        :raises TooManyAttempts: if this person has made too many lately.
        """
        for item in self._searches:
            if wait := self._wait(item, "search", str(user_id)):
                if self._limiter.hit(TOLD, "searches refused", str(user_id)):
                    log.warning("searches refused", user=user_id, limit=str(item))
                raise TooManyAttempts(
                    f"You have searched for people very often. Try again in {_told(wait)}.",
                    wait,
                )

    def _wait(self, item: RateLimitItem, kind: str, key: str) -> float:
        """Count one; seconds to wait if it was one too many, else 0."""
        if self._limiter.hit(item, kind, key):
            return 0
        reset = self._limiter.get_window_stats(item, kind, key).reset_time
        return max(1.0, reset - time.time())

    def succeeded(self, uid: str) -> None:
        """Forget a uid's attempts, once its password was right."""
        self._limiter.clear(PER_UID, "uid", _folded(uid))


def _told(seconds: float) -> str:
    if seconds < 120:
        return f"{math.ceil(seconds)} s"
    return f"{math.ceil(seconds / 60)} min" if seconds < 7200 else f"{math.ceil(seconds / 3600)} h"


def _folded(uid: str) -> str:
    # LDAP takes other cases, widths and spaces for the same uid (RFC 4518).
    return " ".join(unicodedata.normalize("NFKC", uid).casefold().split())
