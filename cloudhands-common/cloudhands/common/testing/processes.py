"""Runs a program in the foreground for as long as a `with` block, and no longer.

For every server that tests, benchmarks and the demonstration start: it is ready when the block
is entered, it is stopped by its own pid when the block is left, and when it dies early its output
is in the error.
"""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

POLL = 0.02
TAIL = 4_000

Ready = Callable[[], bool]


class ProcessError(RuntimeError):
    """A program died, or was not ready in time; the message ends with its last output."""


class Process:
    """A running program, its output and its end.

    :param argv: its command line; the first item is an absolute path or found in PATH.
    :param log: the file that takes its standard output and error.
    """

    def __init__(
        self,
        argv: Sequence[str],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.argv = [str(argument) for argument in argv]
        self.log = log
        with log.open("ab") as output:
            # A session of its own: Ctrl-C reaches the tests alone, which stop it in order.
            self.popen = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if environment is None else {**os.environ, **environment},
                cwd=folder,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process's id."""
        return self.popen.pid

    @property
    def status(self) -> int | None:
        """The exit status (negative: the signal that ended it), or None while it runs."""
        return self.popen.poll()

    def output(self) -> str:
        """What it wrote so far to standard output and error."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_until(self, ready: Ready, limit: float) -> None:
        """Wait until a check holds; a check that raises OSError is tried again.

        :param limit: seconds to wait.
        :raises ProcessError: if the program ends before, or the time is over.
        """
        deadline = time.monotonic() + limit
        while not _holds(ready):
            if self.status is not None:
                raise self._failure(f"ended with status {self.status}")
            if time.monotonic() > deadline:
                raise self._failure(f"was not ready after {limit:g} s")
            time.sleep(POLL)

    def wait(self, limit: float) -> int:
        """Wait for its end and give the exit status.

        :param limit: seconds to wait.
        :raises ProcessError: if it still runs then.
        """
        try:
            return self.popen.wait(limit)
        except subprocess.TimeoutExpired:
            raise self._failure(f"still runs after {limit:g} s") from None

    def stop(self, limit: float = 10, by: signal.Signals = signal.SIGTERM) -> int:
        """End it: ask by a signal, wait, then kill it. Harmless when it has ended already.

        :param limit: seconds that it has to stop by itself.
        :param by: the signal that asks it to stop.
        :returns: its exit status.
        """
        if self.status is None:
            self.popen.send_signal(by)
        try:
            return self.popen.wait(limit)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """End it at once, with what it started in its session, as a power cut would."""
        if self.status is None:
            # Its session is its own, so the group holds nothing that others started.
            os.killpg(self.pid, signal.SIGKILL)
        return self.popen.wait()

    def _failure(self, what: str) -> ProcessError:
        return ProcessError(f"{' '.join(self.argv)}\n{what}; its output ends:\n{self._tail()}")

    def _tail(self) -> str:
        return self.output()[-TAIL:] or "(nothing)"


def _holds(ready: Ready) -> bool:
    try:
        return ready()
    except OSError:
        return False


@contextmanager
def running(
    argv: Sequence[str],
    *,
    ready: Ready | None = None,
    limit: float = 30,
    log: Path | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    stop_limit: float = 10,
    stop_by: signal.Signals = signal.SIGTERM,
) -> Iterator[Process]:
    """A program that runs in the foreground while the block runs.

    :param argv: the command line; the program must not put itself in the background.
    :param ready: says whether it answers; the block is entered once it does. An OSError means no.
    :param limit: seconds until it must be ready.
    :param log: where its output is appended; None keeps it in a temporary file.
    :param environment: variables to set besides the present ones.
    :param folder: its working folder.
    :param stop_limit: seconds it has to stop by itself before it is killed.
    :param stop_by: the signal that asks it to stop.
    :raises ProcessError: if it dies before it is ready, or is not ready in time.
    """
    with tempfile.TemporaryDirectory(prefix="cloudhands-process-") as temporary:
        log = log or Path(temporary) / "output.log"
        process = Process(argv, log, environment=environment, folder=folder)
        try:
            if ready is not None:
                process.wait_until(ready, limit)
            yield process
        finally:
            process.stop(stop_limit, stop_by)
