"""Tells how far a long read has come: a line that changes on a terminal, a few lines in a log."""

import sys
import time
from typing import TextIO

import structlog

from cloudhands.web.index.sync import Progress

# What is read sooner needs no telling.
FIRST_LINE_SECONDS = 10.0
LATER_LINES_SECONDS = 30.0
TERMINAL_SECONDS = 0.2
CLEAR = "\r\x1b[K"

log = structlog.get_logger(__name__)


def per_second(read: int, seconds: float) -> float:
    """Entries a second, so far."""
    return read / seconds if seconds > 0 else 0.0


def left(read: int, expected: int | None, seconds: float) -> float | None:
    """Seconds that a read still takes, or None if nobody knows."""
    rate = per_second(read, seconds)
    if not (expected and rate) or read > expected:
        return None
    return (expected - read) / rate


def sentence(read: int, expected: int | None, seconds: float) -> str:
    """How far a read has come, for people."""
    of = f" of some {expected:,}" if expected else ""
    remaining = left(read, expected, seconds)
    rest = f", {clock(remaining)} left" if remaining is not None else ""
    return f"{read:,}{of} entries read, {per_second(read, seconds):,.0f} a second{rest}"


def clock(seconds: float) -> str:
    """A time span, short."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"


class Shown:
    """Shows progress as it is told; `end` clears the line.

    :param stream: where logs go too.
    """

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._last = time.monotonic()
        self._lines = 0
        self._is_drawn = False

    def told(self, progress: Progress) -> None:
        """How far a read of everybody has come."""
        now = time.monotonic()
        if now - self._last < self._pause():
            return
        self._last = now
        if self._is_terminal:
            text = sentence(progress.read, progress.expected, progress.seconds)
            self._stream.write(f"{CLEAR}{text}")
            self._stream.flush()
            self._is_drawn = True
            return
        self._lines += 1
        remaining = left(progress.read, progress.expected, progress.seconds)
        log.info(
            "reading",
            read=progress.read,
            expected=progress.expected,
            per_second=round(per_second(progress.read, progress.seconds)),
            seconds_left=None if remaining is None else round(remaining),
        )

    def _pause(self) -> float:
        if self._is_terminal:
            return TERMINAL_SECONDS
        return LATER_LINES_SECONDS if self._lines else FIRST_LINE_SECONDS

    def end(self) -> None:
        """Clear what is drawn."""
        if self._is_drawn:
            self._stream.write(CLEAR)
            self._stream.flush()
            self._is_drawn = False
