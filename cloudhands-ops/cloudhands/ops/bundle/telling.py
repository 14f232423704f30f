"""Tells what a deployment does, a line when each step begins: whoever watches knows where it is.

Somebody who stops reading (`| head`, a lost terminal) does not stop the deployment.
"""

import sys
from collections.abc import Callable
from contextlib import suppress

Tell = Callable[[str], None]


def aloud(line: str) -> None:
    """To standard output, at once."""
    with suppress(OSError):
        print(line, flush=True)


def aside(line: str) -> None:
    """To standard error, where standard output is for a program."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)
