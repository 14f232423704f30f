"""Goes on in a network namespace that has nothing but its own loopback interface."""

import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence

INSIDE = "RELEASE_OFFLINE"
LOOPBACK = b"lo"
SET_FLAGS, UP = 0x8914, 0x1  # SIOCSIFFLAGS, IFF_UP


def possible() -> Sequence[str]:
    """The command that makes such a namespace; empty where this user may not."""
    program = shutil.which("unshare")
    if program is None:
        return []
    # An ordinary user is root in a namespace of users of their own, where the kernel allows that.
    argv = [program, "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    tried = subprocess.run([*argv, "true"], capture_output=True, check=False)
    return [] if tried.returncode else argv


def is_inside() -> bool:
    """Whether this is it."""
    return INSIDE in os.environ


def run_again(argv: Sequence[str]) -> int:
    """Run this program again in there; its exit status."""
    environment = {**os.environ, INSIDE: "yes"}
    done = subprocess.run([*possible(), sys.executable, *argv], env=environment, check=False)
    return done.returncode


def enter() -> None:
    """Make the best of it: what listens on 127.0.0.1 can be reached from then on.

    Ended by whoever called, too, this program now ends in order, and leaves none running.

    :raises RuntimeError: if there is any other interface: then it is not what it should be.
    """
    others = [name for _, name in socket.if_nameindex() if name.encode() != LOOPBACK]
    if others:
        raise RuntimeError(f"there is a network here: {', '.join(others)}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        fcntl.ioctl(handle, SET_FLAGS, struct.pack("16sH14x", LOOPBACK, UP))
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


if __name__ == "__main__":
    sys.exit(not possible())
