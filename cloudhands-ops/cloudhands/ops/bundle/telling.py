"""Tells what a deployment does, a line when each step begins: whoever watches knows where it is."""

import sys
from collections.abc import Callable

Tell = Callable[[str], None]


def aloud(line: str) -> None:
    """To standard output, at once."""
    print(line, flush=True)


def aside(line: str) -> None:
    """To standard error, where standard output is for a program."""
    print(line, file=sys.stderr, flush=True)
