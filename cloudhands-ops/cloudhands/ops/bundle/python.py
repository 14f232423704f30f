"""The Python that a release is installed for, and the programs that are run on the way."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cloudhands.common.errors import ConfigurationError, DeploymentError
from cloudhands.ops.bundle import disk

_FACTS = (
    "import json, os, platform, sys; "
    "print(json.dumps({'version': '%d.%d' % sys.version_info[:2], "
    "'machine': platform.machine(), 'implementation': sys.implementation.name, "
    "'glibc': (platform.libc_ver(sys.executable) or ('', ''))[1]}))"
)
# The last lines of a program that failed.
_TAIL = 3
_TRACEBACK = "Traceback (most recent call last):\n"


@dataclass(frozen=True)
class Python:
    """An interpreter.

    :param version: `3.11`.
    :param machine: as `uname -m` tells it.
    :param glibc: the version of the C library; empty where it is another one.
    """

    program: Path
    version: str
    machine: str
    implementation: str
    glibc: str


def look_at(program: Path | None) -> Python:
    """What an interpreter is.

    :param program: None for the one that runs this, outside of any virtual environment.
    :raises ConfigurationError: if it does not run.
    """
    chosen = program or Path(getattr(sys, "_base_executable", sys.executable))
    chosen = Path(shutil.which(chosen) or chosen)
    try:
        done = subprocess.run(
            [chosen, "-I", "-c", _FACTS], capture_output=True, text=True, check=True
        )
        return Python(program=chosen.absolute(), **json.loads(done.stdout))
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        why = (
            last_words(error.stderr, error.returncode)
            if isinstance(error, subprocess.CalledProcessError)
            else getattr(error, "strerror", None) or error
        )
        raise ConfigurationError(f"{chosen} does not run ({why}): give --python PYTHON") from None


def environment() -> Mapping[str, str]:
    """What programs inherit: nothing that would make Python or pip look elsewhere."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))
    }
    # The first leaves out every configuration file. A cache may hold another build of a version.
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"}


def run(
    what: str,
    argv: Sequence[str | Path],
    folder: Path | None = None,
    *,
    writes: Path | None = None,
) -> str:
    """Run a program to its end.

    :param what: what it does, for the error.
    :param folder: where it runs.
    :param writes: where it writes, for the error where the disk is full.
    :returns: its standard output.
    :raises DeploymentError: with its last words, if it fails.
    """
    try:
        done = subprocess.run(
            [*_ending_with_us(), *argv],
            env=environment(),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise DeploymentError(f"{what}: {argv[0]} does not run: {error.strerror}") from error
    if done.returncode:
        said = done.stderr or done.stdout
        words = last_words(said, done.returncode)
        if disk.tells_of_full(said):
            words = f"{writes}: the disk is full: make room" if writes else _with_room(words)
        raise DeploymentError(f"{what}: {words}")
    return done.stdout


def _ending_with_us() -> Sequence[str]:
    """What lets a program be killed when we are: it would go on beside the next deployment."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL") if setpriv else ()


def _with_room(words: str) -> str:
    return words if "room" in words else f"{words}: make room"


def last_words(text: str, status: int) -> str:
    """What a program that failed said last, in one line."""
    _, traceback, end = text.rpartition(_TRACEBACK)
    lines = [line for line in end.splitlines() if line.strip()]
    if traceback:
        # Its end says what went wrong; what is indented, where in somebody's code.
        lines = [line for line in lines if not line.startswith(" ")]
    return " / ".join(line.strip() for line in lines[-_TAIL:]) or f"it ended with status {status}"
