"""`cloud-burst` processes that a benchmark starts, kills, freezes and stops.

Each is a process of its own that runs the program's entry point. They are forked from one that has
loaded the program: to load it takes longer than many of them live.
"""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Any

LOADED = ["cloudhands.burst.main", "cloudhands.burst.providers.ec2.adapter"]
READY = b'"event": "ready"'
READY_SECONDS = 120
STOP_SECONDS = 15
POLL = 0.01


class Burst:
    """One `cloud-burst`.

    :param process: of `multiprocessing`.
    :param log: what it writes.
    """

    def __init__(self, process: Any, log: Path) -> None:
        self._process = process
        self.log = log

    @property
    def pid(self) -> int:
        """The process's id."""
        pid: int = self._process.pid
        return pid

    @property
    def is_ready(self) -> bool:
        """Whether it has begun to work.

        :raises RuntimeError: if it has ended, with its last words.
        """
        written = self.log.read_bytes() if self.log.exists() else b""
        if READY in written:
            return True
        if not self._process.is_alive():
            raise RuntimeError(f"cloud-burst has ended: {written[-2000:].decode()}")
        return False

    def wait_until_ready(self) -> None:
        """Wait until it has begun to work.

        :raises RuntimeError: if it does not.
        """
        deadline = time.monotonic() + READY_SECONDS
        while not self.is_ready:
            if time.monotonic() > deadline:
                raise RuntimeError(f"cloud-burst was not ready after {READY_SECONDS} s")
            time.sleep(POLL)

    def kill(self) -> None:
        """End it at once (SIGKILL), and wait until it has ended."""
        self._process.kill()
        self._process.join()

    def freeze(self) -> None:
        """Stop it where it is (SIGSTOP)."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on after `freeze`."""
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        """Ask it to end (SIGTERM), and wait until it has."""
        self._process.terminate()
        self._process.join(STOP_SECONDS)
        if self._process.is_alive():
            self.kill()


class Bursts:
    """Starts them.

    :param settings_file: what they read.
    :param folder: for their logs.
    """

    def __init__(self, settings_file: Path, folder: Path) -> None:
        self._settings_file = settings_file
        self._folder = folder
        self._numbers = count(1)
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(LOADED)
        self.alive: list[Burst] = []

    def start(self, *more: str) -> Burst:
        """Start one more; it may not be ready yet.

        :param more: arguments besides.
        """
        log = self._folder / f"burst-{next(self._numbers)}.log"
        argv = ["--config", str(self._settings_file), *more]
        process = self._context.Process(target=_work, args=(argv, str(log)), daemon=True)
        process.start()
        made = Burst(process, log)
        self.alive.append(made)
        return made

    def kill(self, burst: Burst) -> None:
        """End one of them at once."""
        self.alive.remove(burst)
        burst.kill()

    def stop(self) -> None:
        """Ask all of them to end, and wait until they have."""
        while self.alive:
            self.alive.pop().stop()


@contextmanager
def bursts(settings_file: Path, folder: Path) -> Iterator[Bursts]:
    """None at first; whatever is alive at the end of the block is killed."""
    made = Bursts(settings_file, folder)
    try:
        yield made
    finally:
        for each in made.alive:
            each.kill()


def _work(argv: Sequence[str], log: str) -> None:
    """What each process does: as the installed `cloud-burst`, its output in a file."""
    from cloudhands.burst import main

    opened = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(opened, stream)
    os.close(opened)
    raise SystemExit(main.main(argv))
