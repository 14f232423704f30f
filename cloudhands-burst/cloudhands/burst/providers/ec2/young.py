"""Remembers what was just made: for some seconds EC2 may not know of it everywhere."""

import threading
import time

# Amazon promises nothing; minutes are unheard of.
SECONDS = 30.0


class Young:
    """The servers that this process had made in the last seconds; shared among threads."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._made: dict[str, float] = {}
        self._lock = threading.Lock()

    def add(self, server_id: str) -> None:
        """Remember a server that the cloud has just told of."""
        now = time.monotonic()
        with self._lock:
            self._made = {one: at for one, at in self._made.items() if now - at < self._seconds}
            self._made[server_id] = now

    def __contains__(self, server_id: object) -> bool:
        with self._lock:
            at = self._made.get(str(server_id))
        return at is not None and time.monotonic() - at < self._seconds
