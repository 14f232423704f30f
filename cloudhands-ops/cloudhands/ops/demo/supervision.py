"""Starts, asks and stops the demonstration's supervisord."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Error, ServerProxy

from supervisor.options import make_namespec
from supervisor.xmlrpc import SupervisorTransport

from cloudhands.common.errors import CloudhandsError
from cloudhands.ops.deploy.files import Layout

START_SECONDS = 20
# A program has 15 s to stop, and one may be started before another that is stopped first.
STOP_SECONDS = 60
POLL_SECONDS = 0.05

# How a supervisord that is not there, or is on its way out, answers.
SILENT = (OSError, HTTPException, Error)


class SupervisionError(CloudhandsError):
    """supervisord could not be started or stopped."""


@dataclass(frozen=True)
class Program:
    """One program of supervisord.

    :param name: as supervisorctl knows it; one of several of a kind has the kind before a colon.
    :param state: in supervisord's words: RUNNING, STARTING, BACKOFF, FATAL, STOPPED...
    :param pid: its process id, 0 while there is none.
    """

    name: str
    state: str
    pid: int
    log: Path

    def is_of(self, kind: str) -> bool:
        """Whether it is the program of that name, or one of several."""
        return self.name.partition(":")[0] == kind


class Supervision:
    """The supervisord of one state folder.

    :param config: its configuration.
    :param layout: where its socket and pid file are.
    """

    def __init__(self, config: Path, layout: Layout) -> None:
        self._config = config
        self._layout = layout

    def is_running(self) -> bool:
        """Whether it answers."""
        try:
            self._ask(lambda rpc: rpc.getState())
        except SILENT:
            return False
        return True

    def programs(self) -> Sequence[Program]:
        """Every program, by name; none while supervisord does not answer."""
        try:
            found = self._ask(lambda rpc: rpc.getAllProcessInfo())
        except SILENT:
            return []
        return sorted(map(_program, found), key=lambda program: program.name)

    def start(self) -> None:
        """Start supervisord, or find it running, and every program that does not run.

        :raises SupervisionError: with its words if it cannot be started.
        """
        if self.is_running():
            self._start_what_is_stopped()
            return
        argv = [str(self._layout.programs / "supervisord"), "-c", str(self._config)]
        started = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if started.returncode:
            raise SupervisionError(f"supervisord does not start: {_last_line(started.stderr)}")
        if not _wait(self.is_running, START_SECONDS):
            log = self._layout.logs / "supervisord.log"
            raise SupervisionError(f"supervisord does not answer; its log is {log}")

    def _start_what_is_stopped(self) -> None:
        try:
            self._ask(lambda rpc: rpc.startAllProcesses(False))
        except SILENT as error:
            raise SupervisionError(f"supervisord does not start its programs: {error}") from error

    def stop(self) -> bool:
        """Stop supervisord with every program and wait until all are gone.

        :returns: whether it was running.
        :raises SupervisionError: if one of them stays.
        """
        pid = self._pid()
        if pid is None:
            return False
        pids = [pid, *(program.pid for program in self.programs() if program.pid)]
        os.kill(pid, signal.SIGTERM)
        if not _wait(lambda: not any(map(_is_alive, pids)), STOP_SECONDS):
            raise SupervisionError(f"still running: {[pid for pid in pids if _is_alive(pid)]}")
        return True

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        # A transport is of no use any more after a connection that failed.
        transport = SupervisorTransport(None, None, f"unix://{self._layout.socket}")
        with closing(transport):
            proxy = ServerProxy("http://127.0.0.1", transport=transport)
            return question(proxy.supervisor)

    def _pid(self) -> int | None:
        """The process id of supervisord; a pid file that was left behind does not count."""
        try:
            pid = int(self._layout.pid_file.read_text(encoding="ascii"))
            argv = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if os.fsencode(self._config) in argv and _is_alive(pid) else None


def _program(info: dict[str, Any]) -> Program:
    name = make_namespec(info["group"], info["name"])
    return Program(name, info["statename"], info["pid"], Path(info["stdout_logfile"]))


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line and not line.startswith("For help")]
    return lines[-1] if lines else "it does not say why"


def _wait(check: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")
