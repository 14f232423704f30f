"""Restarts the programs one by one under supervisord, and waits until each is well.

All of a kind share one socket, so that no request shows which of them answered. What shows that
one has come up is its own log: from the moment of its start on.
"""

import configparser
import re
import shlex
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from cloudhands.common.errors import DeploymentError
from cloudhands.ops.bundle.host import Host, Release
from cloudhands.ops.bundle.python import environment, last_words

# In this order: nobody asks the other two anything.
KINDS = ("cloud-serve", "cloud-index", "cloud-burst")
# What a program logs when it has come up; the others say nothing then.
READY = {"cloud-serve": b'"event": "serving"', "cloud-burst": b'"event": "ready"'}
LIMIT_SECONDS = 60.0
# A program that says nothing has come up when it has lived for so long.
SETTLED_SECONDS = 3.0
POLL_SECONDS = 0.1
TIMEOUT_SECONDS = 10
HEALTH = "/health/ready"
_LINE = re.compile(r"(?P<name>\S+)\s+(?P<state>[A-Z]+)(?:\s+pid (?P<pid>\d+))?")
_TAIL_BYTES = 4_000


@dataclass(frozen=True)
class Program:
    """One program, as `supervisorctl status` tells it.

    :param name: with its kind before a colon, if it is one of several.
    :param pid: 0 while there is none.
    """

    name: str
    state: str
    pid: int

    @property
    def kind(self) -> str:
        """What it is one of."""
        return self.name.partition(":")[0]

    @property
    def is_up(self) -> bool:
        """Whether it runs or is going to."""
        return self.state in ("RUNNING", "STARTING") or self.is_failing

    @property
    def is_failing(self) -> bool:
        """Whether supervisord tries in vain to keep it up."""
        return self.state in ("BACKOFF", "FATAL", "EXITED")

    @property
    def log_name(self) -> str:
        """The file name of its log."""
        return f"{self.name.rpartition(':')[2]}.log"

    def is_of(self, release: Release) -> bool:
        """Whether what runs is a release's, whatever `current` says by now."""
        try:
            argv = Path(f"/proc/{self.pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return any(argument.startswith(bytes(release.folder) + b"/") for argument in argv[:2])


class Supervision:
    """The supervisord of one host."""

    def __init__(self, host: Host) -> None:
        self._programs = host.supervisor / "venv" / "bin"
        self._file = host.deploy / "supervisord.conf"

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
        return self._control("pid").returncode == 0

    def start(self) -> None:
        """Start it, and with it every program.

        :raises DeploymentError: with its words, if it does not start.
        """
        argv = [str(self._programs / "supervisord"), "-c", str(self._file)]
        done = subprocess.run(
            argv,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not _wait(self.is_running):
            raise DeploymentError(
                f"supervisord does not start: {last_words(done.stderr, done.returncode)}"
            )

    def programs(self) -> Sequence[Program]:
        """The programs of ours, in the order in which they are restarted."""
        found = [_LINE.match(line) for line in self._control("status").stdout.splitlines()]
        listed = [Program(one["name"], one["state"], int(one["pid"] or 0)) for one in found if one]
        ours = [program for program in listed if program.kind in KINDS]
        return sorted(ours, key=lambda program: (KINDS.index(program.kind), program.name))

    def restart(self, program: Program) -> None:
        """Restart one, and wait until it is well.

        :raises DeploymentError: if it is not, with the end of its log.
        """
        begin = self.lengths().get(program.log_name, 0)
        done = self._control("restart", program.name)
        # One that was stopped is told as an error first, and then started.
        if f"{program.name}: started" not in done.stdout:
            why, log = last_words(done.stdout, done.returncode), self._logs() / program.log_name
            raise DeploymentError(f"{program.name} does not start: {why}; {_tail(log)}")
        self.await_well(program, begin)

    def await_well(self, program: Program, begin: int) -> None:
        """Wait until a program that was started is well.

        :param begin: how long its log was then.
        :raises DeploymentError: if it is not, with the end of its log.
        """
        log, word = self._logs() / program.log_name, READY.get(program.kind)
        pid = self._pid(program)

        def has_come_up() -> bool:
            if not _lives(pid):
                raise DeploymentError(f"{program.name} does not stay up: {_tail(log)}")
            return word is None or word in _since(log, begin)

        if word is None:
            time.sleep(SETTLED_SECONDS)
        if not _wait(has_come_up):
            raise DeploymentError(f"{program.name} does not come up: {_tail(log)}")
        if program.kind == "cloud-serve" and not _wait(self.is_well):
            raise DeploymentError(f"{program.name} is up, and {HEALTH} is not 200: {_tail(log)}")

    def lengths(self) -> Mapping[str, int]:
        """How long each log is, by its name."""
        return {file.name: file.stat().st_size for file in self._logs().glob("*.log")}

    def stop(self, program: Program) -> None:
        """Stop one; it stays stopped."""
        self._control("stop", program.name)

    def reload_nginx(self) -> None:
        """Have nginx read its configuration again, without losing a request."""
        self._control("signal", "HUP", "nginx")

    def is_well(self) -> bool:
        """Whether the portal answers that it can be used."""
        try:
            with closing(_Portal(self._socket())) as connection:
                connection.request("GET", HEALTH)
                return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False

    def _pid(self, program: Program) -> int:
        return next((one.pid for one in self.programs() if one.name == program.name), 0)

    def _control(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        argv = [str(self._programs / "supervisorctl"), "-c", str(self._file), *arguments]
        return subprocess.run(
            argv,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def _socket(self) -> str:
        return self._read()["fcgi-program:cloud-serve"]["socket"]

    def _logs(self) -> Path:
        return Path(self._read()["supervisord"]["childlogdir"])

    def _read(self) -> configparser.RawConfigParser:
        parser = configparser.RawConfigParser(inline_comment_prefixes=(" ;",), strict=False)
        parser.read(self._file, encoding="utf-8")
        return parser


class _Portal(HTTPConnection):
    """HTTP to where supervisord's configuration says that the portal listens."""

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


def _wait(check: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
