"""Whether the demonstration can be used: a program that runs does not answer yet."""

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from cloudhands.common.errors import CloudhandsError, IndexUnavailable
from cloudhands.common.settings import Settings
from cloudhands.common.testing.ports import answers
from cloudhands.ops.demo.supervision import Supervision
from cloudhands.web.index.people import People

LIMIT_SECONDS = 60
POLL_SECONDS = 0.1
TIMEOUT_SECONDS = 5
READY = "/health/ready"
TAIL_LINES = 5
TAIL_COLUMNS = 300


class NotReady(CloudhandsError):
    """Something did not come up."""


def checks(settings: Settings) -> Mapping[str, Callable[[], bool]]:
    """What has to answer, by the program that answers it."""
    portal = settings.portal
    found = {
        "directory": lambda: _directory_answers(settings),
        "cloud-index": lambda: _has_synced(settings),
    }
    at_the_port = HTTPConnection(portal.host, portal.port, timeout=TIMEOUT_SECONDS)
    if not portal.nginx:
        return found | {"cloud-serve": lambda: _is_there(at_the_port, READY)}
    behind = _UnixConnection(settings.path(portal.socket))
    return found | {
        "cloud-serve": lambda: _is_there(behind, READY),
        "nginx": lambda: _is_there(at_the_port, "/"),
    }


def _directory_answers(settings: Settings) -> bool:
    url = urlsplit(settings.directory.url) if settings.directory else None
    return bool(url and url.port and answers(url.port))


def _has_synced(settings: Settings) -> bool:
    try:
        People(settings.path(settings.index.folder)).synced()
    except IndexUnavailable:
        return False
    return True


class _UnixConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect; `HTTPConnection` calls it before a request."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _is_there(connection: HTTPConnection, path: str) -> bool:
    """Whether a page is answered with 200; the connection can be used again."""
    try:
        with closing(connection):
            connection.request("GET", path)
            return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False


def wait(settings: Settings, supervision: Supervision) -> None:
    """Wait until everything answers and every program runs.

    :raises NotReady: naming what does not, with the end of its log.
    """
    deadline = time.monotonic() + LIMIT_SECONDS
    while problems := _problems(settings, supervision):
        if time.monotonic() > deadline or _is_hopeless(supervision):
            raise NotReady(_explained(problems, supervision))
        time.sleep(POLL_SECONDS)


def _problems(settings: Settings, supervision: Supervision) -> Sequence[str]:
    """The programs that do not run or do not answer yet."""
    idle = [program.name for program in supervision.programs() if program.state != "RUNNING"]
    return idle or [name for name, answers in checks(settings).items() if not answers()]


def _is_hopeless(supervision: Supervision) -> bool:
    programs = supervision.programs()
    return not programs or any(program.state == "FATAL" for program in programs)


def _explained(problems: Sequence[str], supervision: Supervision) -> str:
    lines = [f"not ready: {', '.join(problems)}"]
    for program in supervision.programs():
        if program.name in problems or any(map(program.is_of, problems)):
            lines += [f"{program.log} ends:", *(f"  {line}" for line in _tail(program.log))]
    return "\n".join(lines)


def _tail(log: Path) -> Sequence[str]:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [line[:TAIL_COLUMNS] for line in lines[-TAIL_LINES:]]
