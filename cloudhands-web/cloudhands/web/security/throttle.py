"""Slows down guessing: sign-in attempts are counted before anything costly is computed.

Counts are kept in the process: with several processes each allows its own number.
"""

import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from cloudhands.common.errors import TooManyAttempts

PER_UID = RateLimitItemPerMinute(10, 5)
PER_ADDRESS = RateLimitItemPerMinute(100, 5)


class Throttle:
    """Counts attempts by uid and by client address."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def attempt(self, uid: str, address: str) -> None:
        """Count one attempt.

        :raises TooManyAttempts: if there were too many lately.
        """
        for item, kind, key in ((PER_ADDRESS, "address", address), (PER_UID, "uid", uid.lower())):
            if not self._limiter.hit(item, kind, key):
                reset = self._limiter.get_window_stats(item, kind, key).reset_time
                wait = max(1.0, reset - time.time())
                raise TooManyAttempts(
                    f"Too many attempts to sign in. Try again in {wait / 60:.0f} minutes.", wait
                )

    def succeeded(self, uid: str) -> None:
        """Forget a uid's attempts, once its password was right."""
        self._limiter.clear(PER_UID, "uid", uid.lower())
