"""Ctrl-C at any moment: none is lost.

Python raises KeyboardInterrupt between two instructions of whatever runs. If that is a callback of
the interpreter's (of a weak reference, as the import system has them; a `__del__`), it can only be
reported as ignored, and the program goes on as if nobody had asked it to end.
"""

import signal
import sys
from typing import Any

SECONDS = 0.01


def lose_none() -> None:
    """Raise an interrupt again, a moment later, where one was ignored."""
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    sys.unraisablehook = _ignored


def _ignored(what: Any) -> None:
    if issubclass(what.exc_type, KeyboardInterrupt):
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
    else:
        sys.__unraisablehook__(what)
