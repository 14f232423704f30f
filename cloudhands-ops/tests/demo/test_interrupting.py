"""An interrupt that comes within a callback, where Python can only ignore it, is not lost."""

import subprocess
import sys

import pytest

DESTRUCTOR = "Thing.__del__ = lambda self: signal.raise_signal(signal.SIGINT)"
PROGRAM = """
import signal, sys, time, weakref
from cloudhands.ops.demo import interrupting
class Thing: pass
if {mended}:
    interrupting.lose_none()
thing = Thing()
kept = weakref.ref(thing, lambda gone: signal.raise_signal(signal.SIGINT) or None)
{callback}
try:
    del thing
    time.sleep(1)
    print("went on")
except KeyboardInterrupt:
    print("interrupted")
"""


def run(callback, mended):
    program = PROGRAM.format(callback=callback, mended=mended)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )


def test_python_alone_loses_it():
    """If this fails, Python has been mended, and so may we be: `interrupting` is needed no more."""
    done = run("", mended=False)
    assert done.stdout == "went on\n"
    assert "KeyboardInterrupt" in done.stderr


@pytest.mark.parametrize("callback", ["", DESTRUCTOR])
def test_we_do_not(callback):
    done = run(callback, mended=True)
    assert (done.stdout, done.stderr) == ("interrupted\n", "")


def test_what_else_goes_wrong_there_is_still_reported():
    done = run("Thing.__del__ = lambda self: 1 / 0", mended=True)
    assert "ZeroDivisionError" in done.stderr
