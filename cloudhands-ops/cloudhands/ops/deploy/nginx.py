"""What nginx's configuration has to know: this machine's nginx, and what nginx itself answers."""

import grp
import os
import pwd
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cloudhands.common.errors import ConfigurationError
from cloudhands.common.settings import Portal
from cloudhands.common.testing import programs
from cloudhands.web.http import constants
from cloudhands.web.http.problem_types import ProblemType, of_status

# What nginx answers without asking the portal. Its 494 becomes 431, its 502 and 504 become 503.
STATUSES = (400, 404, 405, 413, 414, 429, 500, 501, 503, 505)
MADE = (431,)

# In a quoted word of its configuration these end it, or stand for something else.
UNQUOTABLE = re.compile(r'["$\\\r\n]')


@dataclass(frozen=True)
class Nginx:
    """The nginx of this machine.

    :param version: for example (1, 22, 1).
    :param user: whom its workers run as; empty where that is not for nginx to choose.
    """

    program: Path
    version: tuple[int, ...]
    user: str

    @property
    def has_http2_directive(self) -> bool:
        """Whether HTTP/2 has a directive of its own; as a word of `listen` it is deprecated."""
        return self.version >= (1, 25, 1)


def installed() -> Nginx:
    """The nginx of this machine.

    :raises ConfigurationError: if there is none.
    """
    program = programs.find("nginx")
    if program is None:
        raise ConfigurationError(
            "portal.nginx: nginx is not installed: install the package nginx, or set it to false"
        )
    return Nginx(program, _version(program), _user())


def _version(program: Path) -> tuple[int, ...]:
    told = subprocess.run([program, "-v"], capture_output=True, text=True, check=False).stderr
    found = re.search(r"nginx/([0-9.]+)", told)
    return tuple(map(int, found[1].split("."))) if found else ()


def _user() -> str:
    if os.geteuid() != 0:
        return ""
    return f"{pwd.getpwuid(0).pw_name} {grp.getgrgid(os.getegid()).gr_name}"


def values(portal: Portal) -> Mapping[str, object]:
    """What the template names besides the paths.

    :raises ConfigurationError: if there is no nginx.
    """
    return {
        "nginx": installed(),
        "max_body": constants.MAX_BODY_BYTES,
        "statuses": " ".join(map(str, STATUSES)),
        "problems": _problems(),
        "headers": constants.HEADERS_BEHIND_TLS if portal.tls_certificate else constants.HEADERS,
        "address": lambda port: _address(portal.host, port),
    }


def _problems() -> Sequence[ProblemType]:
    return [of_status(status) for status in sorted({*STATUSES, *MADE})]


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def quoted(value: object) -> str:
    """A value as it may stand between the double quotes of a word.

    :raises ConfigurationError: if nothing can quote it.
    """
    if UNQUOTABLE.search(str(value)):
        raise ConfigurationError(
            f"{value}: nginx cannot be told of a path with a quotation mark, a dollar sign, a "
            "backslash or a line's end: choose another"
        )
    return str(value)
