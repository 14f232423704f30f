"""Kills deployments wherever they tell something, on a host that is asked all the while.

Each line is a step that begins. A deployment is killed as soon as it tells one that it never told
before, the next one some time later within the same step; between two kills the host has to serve.
"""

import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from release_builds import Failed
from release_host import Host

from cloudhands.common.testing.ports import LOOPBACK

# How long after a line each kill comes.
AFTER_SECONDS = (0.0, 0.7)
ASK_SECONDS = 0.05
# More steps than there are would mean that they never end.
MOST_KILLS = 200


@dataclass
class Kills:
    """What killing showed.

    :param lines: what was told, and how often a run was killed there.
    :param asked: how often the host was asked, by whether it served.
    """

    lines: Counter[str] = field(default_factory=Counter)
    asked: Counter[bool] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        """How often a run was killed."""
        return self.lines.total()


def everywhere(host: Host, coming: Path, python: str) -> Kills:
    """Upgrade and go back, killed everywhere.

    :param coming: the next release, unpacked.
    :raises Failed: if the host did not serve at any moment, or a command did not end well at last.
    """
    kills = Kills()
    with _asked(host, kills):
        for argv in (
            host.deploying(coming),
            [host.program("cloud-admin"), "bundle", "rollback", "--dir", host.releases],
        ):
            before = host.versions()
            _until_done([str(one) for one in argv], python, host, kills)
            if host.versions() == before:
                raise Failed(f"{argv[0]} ended well, and nothing is different")
    if kills.asked[False]:
        raise Failed(f"of {kills.asked.total()} times the host did not serve {kills.asked[False]}")
    return kills


def _until_done(argv: Sequence[str], python: str, host: Host, kills: Kills) -> None:
    known: Counter[str] = Counter()
    while (status := _killed(argv, python, known)) is None:
        if not serves(host):
            raise Failed(f"killed at {list(known)[-1]!r}, and the host does not serve")
        if known.total() > MOST_KILLS:
            raise Failed(f"{argv[0]} was killed {MOST_KILLS} times, and tells ever more")
    if status:
        raise Failed(f"{argv[0]} ended with {status} after it was killed at {list(known)}")
    kills.lines.update(known)


def _killed(argv: Sequence[str], python: str, known: Counter[str]) -> int | None:
    """Run once; returns the exit status, or None if it was killed."""
    with subprocess.Popen(
        argv,
        env={**os.environ, "PYTHON": python},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            step = line.strip()
            if known[step] < len(AFTER_SECONDS):
                time.sleep(AFTER_SECONDS[known[step]])
                known[step] += 1
                if process.poll() is None:
                    # Its session is its own: what it started goes with it, supervisord does not.
                    os.killpg(process.pid, signal.SIGKILL)
                    return None
    return process.returncode


def serves(host: Host) -> bool:
    """Whether somebody answers. One that is ending says that it is not ready, and still serves."""
    with closing(HTTPConnection(LOOPBACK, host.port, timeout=30)) as connection:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == 200


@contextmanager
def _asked(host: Host, kills: Kills) -> Iterator[None]:
    over = threading.Event()

    def ask() -> None:
        while not over.wait(ASK_SECONDS):
            try:
                kills.asked[serves(host)] += 1
            except (OSError, HTTPException):
                kills.asked[False] += 1

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        yield
    finally:
        over.set()
        asker.join()
