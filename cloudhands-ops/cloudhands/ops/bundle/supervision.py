"""Speaks with the supervisord of a host: what it runs, and whether that is well.

All of a kind share one socket, so that no request shows which of them answered. What shows that
one has come up is its own log: from the moment of its start on.

It is spoken to as supervisorctl does it, by XML-RPC on its socket.
"""

import configparser
import shlex
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Error, Fault, ServerProxy, Transport

from cloudhands.common.errors import DeploymentError
from cloudhands.ops.bundle import interruption, listening
from cloudhands.ops.bundle.host import Host, Release
from cloudhands.ops.bundle.python import environment, last_words

# In this order: nobody asks the other two anything.
KINDS = ("cloud-serve", "cloud-index", "cloud-burst")
# What a program logs when it has come up; the others say nothing then.
READY = {"cloud-serve": b'"event": "serving"', "cloud-burst": b'"event": "ready"'}
LIMIT_SECONDS = 60.0
# A program that says nothing has come up when it has lived for so long.
SETTLED_SECONDS = 2.0
POLL_SECONDS = 0.05
TIMEOUT_SECONDS = 30
HEALTH = "/health/ready"
_TAIL_BYTES = 4_000
# The faults of starting what runs, and of stopping what does not.
_STARTED, _NOT_RUNNING = 60, 70
# How a supervisord that is not there, or is on its way out, answers.
_SILENT = (OSError, HTTPException, Error)


@dataclass(frozen=True)
class Program:
    """One program of supervisord.

    :param name: with its kind before a colon, if it is one of several.
    :param state: in supervisord's words: RUNNING, STARTING, BACKOFF, FATAL, STOPPED...
    :param pid: 0 while there is none.
    """

    name: str
    state: str
    pid: int
    log: Path

    @property
    def kind(self) -> str:
        """What it is one of."""
        return self.name.partition(":")[0]

    @property
    def is_portal(self) -> bool:
        """Whether people ask it; the others may lack a directory or a cloud for a while."""
        return self.kind == "cloud-serve"

    @property
    def is_up(self) -> bool:
        """Whether it runs or is going to."""
        return self.state in ("RUNNING", "STARTING") or self.is_failing

    @property
    def is_failing(self) -> bool:
        """Whether supervisord tries in vain to keep it up."""
        return self.state in ("BACKOFF", "FATAL", "EXITED")

    def is_of(self, release: Release) -> bool:
        """Whether what runs is a release's, whatever `current` says by now."""
        try:
            argv = Path(f"/proc/{self.pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return any(argument.startswith(bytes(release.folder) + b"/") for argument in argv[:2])

    def length(self) -> int:
        """How long its log is."""
        return self.log.stat().st_size if self.log.exists() else 0


class Supervision:
    """The supervisord of one host.

    :param file: its configuration (default: the host's own).
    """

    def __init__(self, host: Host, file: Path | None = None) -> None:
        self._programs = host.supervisor / "venv" / "bin"
        self._file = file or host.deploy / "supervisord.conf"

    @property
    def command(self) -> str:
        """What starts it, for a shell."""
        return shlex.join([str(self._programs / "supervisord"), "-c", str(self._file)])

    def command_for(self, *arguments: str) -> str:
        """What asks it for something, for a shell."""
        program = str(self._programs / "supervisorctl")
        return shlex.join([program, "-c", str(self._file), *arguments])

    def is_running(self) -> bool:
        """Whether it answers."""
        try:
            self._ask("getState")
        except _SILENT:
            return False
        return True

    def start(self) -> None:
        """Start it, and with it every program.

        :raises DeploymentError: with its words, if it does not start.
        """
        done = subprocess.run(
            [str(self._programs / "supervisord"), "-c", str(self._file)],
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not wait(self.is_running):
            why = last_words(done.stderr, done.returncode)
            raise DeploymentError(f"supervisord does not start: {why}")

    def programs(self) -> Sequence[Program]:
        """The programs of ours, in the order in which they are restarted; none if it is silent."""
        try:
            found = [_program(info) for info in self._ask("getAllProcessInfo")]
        except _SILENT:
            return []
        ours = [program for program in found if program.kind in KINDS]
        return sorted(ours, key=lambda program: (KINDS.index(program.kind), program.name))

    def commands(self) -> Sequence[str]:
        """What it starts, of ours, whether that is up or not; nothing if it is silent."""
        try:
            found = self._ask("getAllConfigInfo")
        except _SILENT:
            return []
        return [one["command"] for one in found if one["group"] in KINDS]

    def lengths(self) -> Mapping[Path, int]:
        """How long each log is, also while supervisord does not run."""
        folder = Path(self._setting("supervisord", "childlogdir"))
        return {file: file.stat().st_size for file in folder.glob("*.log")}

    def restart(self, program: Program) -> None:
        """Restart one, and wait until it is well.

        :raises DeploymentError: if it is not, with the end of its log.
        """
        begin = program.length()
        with interruption.postponed():
            self.stop(program)
            try:
                # It may itself have begun anew what had ended by itself.
                self._order_unless(_STARTED, "startProcess", program.name)
            except DeploymentError as error:
                raise DeploymentError(
                    f"{program.name} does not start: {error}; {_tail(program.log)}"
                ) from error
        self.await_well(program, begin)

    def await_well(self, program: Program, begin: int) -> None:
        """Wait until a program that was started is well.

        :param begin: how long its log was then.
        :raises DeploymentError: if it is not, with the end of its log.
        """
        word = READY.get(program.kind)
        # supervisord answers before it has started anything.
        wait(lambda: self._pid(program) != 0)
        pid = self._pid(program)

        def has_come_up() -> bool:
            if not _lives(pid):
                raise DeploymentError(f"{program.name} does not stay up: {_tail(program.log)}")
            return word is None or word in _since(program.log, begin)

        if word is None:
            time.sleep(SETTLED_SECONDS)
        if not wait(has_come_up):
            raise DeploymentError(f"{program.name} does not come up: {_tail(program.log)}")
        if program.is_portal and not wait(lambda: self.is_well(pid)):
            raise DeploymentError(
                f"{program.name} is up, and {HEALTH} is not 200: {_tail(program.log)}"
            )

    def stop(self, program: Program) -> None:
        """Stop one, which may be stopped already.

        :raises DeploymentError: if it does not stop.
        """
        self._order_unless(_NOT_RUNNING, "stopProcess", program.name)

    def reload_nginx(self) -> None:
        """Have nginx read its configuration again, without losing a request.

        :raises DeploymentError: if it cannot be told.
        """
        self._order("signalProcess", "nginx", "HUP")

    def runs_nginx(self) -> bool:
        """Whether nginx runs: where it is new in the settings, it does not yet."""
        found = self._order("getAllProcessInfo")
        return any((one["name"], one["statename"]) == ("nginx", "RUNNING") for one in found)

    def unapplied(self) -> Sequence[str]:
        """The programs for which its configuration was changed since it read that.

        :raises DeploymentError: if it cannot read it.
        """
        ((added, changed, removed),) = self._order("reloadConfig")
        return sorted({*added, *changed, *removed})

    def is_well(self, pid: int = 0) -> bool:
        """Whether the portal answers that it can be used.

        :param pid: one of its processes, for the address that it really has.
        """
        address = listening.address_of(pid) or self._setting("fcgi-program:cloud-serve", "socket")
        try:
            with closing(_Connection(address)) as connection:
                connection.request("GET", HEALTH)
                return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False

    def _pid(self, program: Program) -> int:
        return next((one.pid for one in self.programs() if one.name == program.name), 0)

    def _order(self, method: str, *arguments: str) -> Any:
        """Have it do something.

        :raises DeploymentError: in its words, if it does not.
        """
        try:
            return self._ask(method, *arguments)
        except Fault as error:
            raise DeploymentError(f"supervisord says {error.faultString}") from error
        except _SILENT as error:
            raise DeploymentError(
                f"supervisord does not answer ({error}); to start it: {self.command}"
            ) from error

    def _order_unless(self, fault: int, method: str, *arguments: str) -> None:
        """Have it do something, which one of its faults says is done already.

        :raises DeploymentError: in its words, if it does not.
        """
        try:
            self._order(method, *arguments)
        except DeploymentError as error:
            if getattr(error.__cause__, "faultCode", None) != fault:
                raise

    def _ask(self, method: str, *arguments: str) -> Any:
        address = f"unix://{self._setting('unix_http_server', 'file')}"
        with ServerProxy("http://localhost/RPC2", transport=_Transport(address)) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def _setting(self, section: str, key: str) -> str:
        """Of supervisord's configuration; empty where there is none yet."""
        parser = configparser.RawConfigParser(strict=False)
        parser.read(self._file, encoding="utf-8")
        return parser.get(section, key, fallback="")


class _Connection(HTTPConnection):
    """HTTP to an address as supervisord writes it: unix://PATH or tcp://HOST:PORT."""

    def __init__(self, address: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT_SECONDS)
        self._address = address

    def connect(self) -> None:
        """Connect; `HTTPConnection` calls it before a request."""
        kind, _, place = self._address.partition("://")
        if kind == "unix":
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(TIMEOUT_SECONDS)
            self.sock.connect(place)
        else:
            host, _, port = place.rpartition(":")
            self.sock = socket.create_connection((host, int(port)), TIMEOUT_SECONDS)


class _Transport(Transport):
    """XML-RPC over such a connection."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def make_connection(self, host: Any) -> HTTPConnection:
        """The connection, which is closed with us."""
        connection = _Connection(self._address)
        self._connection = host, connection
        return connection


def _program(info: dict[str, Any]) -> Program:
    group, name = info["group"], info["name"]
    full = name if group == name else f"{group}:{name}"
    return Program(full, info["statename"], info["pid"], Path(info["stdout_logfile"]))


def _since(log: Path, begin: int) -> bytes:
    """What a log says from a place on; all of it, where it was begun anew since."""
    try:
        with log.open("rb") as opened:
            if begin <= log.stat().st_size:
                opened.seek(begin)
            return opened.read()
    except OSError:
        return b""


def _tail(log: Path) -> str:
    try:
        size = log.stat().st_size
    except OSError:
        return f"it has no log at {log}"
    end = _since(log, max(0, size - _TAIL_BYTES)).decode(errors="replace")
    return f"{log} ends: {last_words(end, 0)}"


def _lives(pid: int) -> bool:
    """Whether a process runs; 0 is none."""
    return pid != 0 and Path(f"/proc/{pid}").exists()


def wait(check: Callable[[], bool]) -> bool:
    """Wait until something holds, for a minute at most; returns whether it does."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
