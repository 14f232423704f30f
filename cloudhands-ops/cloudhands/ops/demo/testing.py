"""A demonstration of its own for a test: in a short-lived folder, on a free port."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cloudhands.common.testing.ports import free_port
from cloudhands.ops.demo.place import Place
from cloudhands.ops.demo.supervision import Supervision

LIMIT_SECONDS = 110


@dataclass(frozen=True)
class Demonstration:
    """A folder and a port, and the commands on them.

    :param port: free when it was chosen.
    """

    place: Place
    port: int

    @property
    def supervision(self) -> Supervision:
        """Its supervisord."""
        return Supervision(self.place.supervisord, self.place.layout)

    def argv(self, command: str, *more: str) -> Sequence[str]:
        """The command line of one of its commands."""
        folder = str(self.place.folder)
        return [sys.executable, "-m", "cloudhands.ops.demo", command, "--dir", folder, *more]

    def run(self, command: str, *more: str) -> "subprocess.CompletedProcess[str]":
        """Run one of its commands to the end."""
        return subprocess.run(
            self.argv(command, *more),
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )

    def pids(self) -> dict[str, int]:
        """The process id of each program, by name."""
        return {program.name: program.pid for program in self.supervision.programs()}


@contextmanager
def demonstration() -> Iterator[Demonstration]:
    """A demonstration that is not up yet; it is reset when the block is left."""
    # Below /tmp and not where pytest keeps its files: a socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="cloudhands-demo-", dir="/tmp") as folder:
        made = Demonstration(Place(Path(folder)), free_port())
        try:
            yield made
        finally:
            if made.place.state.exists():
                made.run("reset")
