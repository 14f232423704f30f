"""How the story is told: each step with its time, and an end at the first that fails."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from cloudhands.common.errors import CloudhandsError
from cloudhands.ops.demo.client import Unexpected

POLL_SECONDS = 0.2

T = TypeVar("T")


class Failed(CloudhandsError):
    """A step failed; the message says which and why."""


class Teller:
    """Prints what happens.

    :param line: takes each line.
    """

    def __init__(self, line: Callable[[str], None]) -> None:
        self._line = line
        self._steps = 0
        self._details: list[str] = []
        self._started = time.monotonic()

    @contextmanager
    def step(self, sentence: str) -> Iterator[None]:
        """One step: its sentence is printed with the seconds that the block took.

        :raises Failed: in place of anything that went wrong in the block.
        """
        self._steps += 1
        started = time.monotonic()
        try:
            yield
        except CloudhandsError as error:
            raise Failed(f"step {self._steps}, {sentence}: {error}") from error
        self._line(f"{time.monotonic() - started:6.2f} s  {self._steps:2}. {sentence}")
        for text in self._details:
            self._line(f"{'':14}{text}")
        self._details.clear()

    def detail(self, text: str) -> None:
        """A line that belongs to the present step, and is printed after its sentence."""
        self._details.append(text)

    def remark(self, text: str) -> None:
        """Something that is no step."""
        self._line(f"{'':14}{text}")

    def end(self) -> None:
        """The last line."""
        took = time.monotonic() - self._started
        self._line(f"{took:6.2f} s  the whole story, {self._steps} steps")


def expect(holds: bool, sentence: str) -> None:
    """Check something.

    :raises Unexpected: with the sentence, if it does not hold.
    """
    if not holds:
        raise Unexpected(sentence)


def until(look: Callable[[], T], good: Callable[[T], bool], limit: float, sentence: str) -> T:
    """Look again and again until what is seen is good; returns it.

    :param limit: seconds.
    :param sentence: what is waited for.
    :raises Unexpected: if it is not good by then, with what was seen last.
    """
    deadline = time.monotonic() + limit
    while not good(seen := look()):
        if time.monotonic() > deadline:
            raise Unexpected(f"{sentence} after {limit:g} s: {seen}")
        time.sleep(POLL_SECONDS)
    return seen
