"""Renders the deployment files: the same ones for a site and for the demonstration.

supervisord's always, nginx's where the settings want nginx in front of the portal. Every path in
them is absolute, because supervisord leaves its working folder when it goes to the background.
"""

import os
import re
import shlex
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from cloudhands.common.errors import ConfigurationError
from cloudhands.common.settings import Portal
from cloudhands.ops.bundle import disk, host
from cloudhands.ops.deploy import nginx

SUPERVISORD = "supervisord.conf"
NGINX = "nginx.conf"
NGINX_RUNNER = "nginx.sh"

# A socket's path has 107 bytes at most; supervisord first makes it under a name with its pid.
LONGEST_SOCKET = 107 - len(".4194304")

# What supervisord's parser expands, some of it twice, or cuts off: there is no way to quote it.
UNUSABLE = re.compile(r"%|\s[;#]|[\r\n]")


@dataclass(frozen=True)
class Layout:
    """Where things are on one machine; all paths are absolute.

    :param config: the settings file.
    :param state: the folder for what changes.
    :param programs: the folder of `cloud-serve` and the others.
    :param supervisor: the folder of `supervisord` and `supervisorctl`, which outlive releases.
    """

    config: Path
    state: Path
    programs: Path = field(default_factory=lambda: Path(sysconfig.get_path("scripts")))
    supervisor: Path = field(default_factory=lambda: Path(sysconfig.get_path("scripts")))

    @property
    def run(self) -> Path:
        """Where the pid file and the socket are."""
        return self.state / "run"

    @property
    def logs(self) -> Path:
        """Where each program's log is."""
        return self.state / "log"

    @property
    def cache(self) -> Path:
        """Where nginx keeps public pages and files."""
        return self.state / "cache"

    @property
    def temporary(self) -> Path:
        """Where nginx keeps what does not fit in memory for a moment."""
        return self.run / "nginx"

    @property
    def socket(self) -> Path:
        """Where supervisord is spoken to."""
        return self.run / "supervisor.sock"

    @property
    def pid_file(self) -> Path:
        """Where supervisord writes its process id."""
        return self.run / "supervisord.pid"


def write(layout: Layout, portal: Portal, to: Path) -> list[Path]:
    """Render each deployment file into a folder, and make the folders that they name.

    :returns: the files, in sorted order.
    :raises ConfigurationError: if something cannot be written, or the program that it is for could
        not read it.
    """
    to = to.absolute()
    _check(layout, portal, to)
    texts = _texts(layout, portal, to)
    try:
        socket = layout.state / portal.socket
        for folder in (
            to,
            layout.run,
            layout.logs,
            layout.cache,
            layout.temporary,
            socket.parent,
        ):
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        for name, text in texts.items():
            host.write(to / name, text)
        return [to / name for name in sorted(texts)]
    except OSError as error:
        raise ConfigurationError(
            f"{disk.told(error, to)}. Name another folder, or change that"
        ) from error


def _check(layout: Layout, portal: Portal, to: Path) -> None:
    for socket in (layout.socket, layout.state / portal.socket):
        if len(bytes(socket)) > LONGEST_SOCKET:
            raise ConfigurationError(
                f"{socket} is too long for a socket: choose a state folder with a shorter path"
            )
    socket = layout.state / portal.socket
    if socket in (layout.socket, layout.state) or socket.is_dir():
        raise ConfigurationError(
            f"portal.socket {portal.socket}: {socket} is something else's, choose another name"
        )
    for path in (layout.config, layout.state, layout.programs, layout.supervisor, to, socket):
        if UNUSABLE.search(str(path)):
            raise ConfigurationError(
                f"{path}: supervisord cannot be told of a path with a percent sign, a comment sign "
                "after a space, or a line's end: choose another"
            )
    _check_tls(layout, portal)
    if not portal.nginx and ":" in portal.host:
        raise ConfigurationError(
            f"portal.host {portal.host}: supervisord holds the port for cloud-serve, and can hold "
            "one of IPv4 only: set portal.nginx = true"
        )


def _check_tls(layout: Layout, portal: Portal) -> None:
    for key in ("tls_certificate", "tls_key"):
        file = getattr(portal, key)
        if file and not os.access(layout.state / file, os.R_OK):
            raise ConfigurationError(
                f"portal.{key}: {layout.state / file} is not there, or not to be read by this user"
            )


def _texts(layout: Layout, portal: Portal, to: Path) -> Mapping[str, str]:
    """Each file's text by its name."""
    names = [SUPERVISORD]
    known: dict[str, object] = {
        "layout": layout,
        "portal": portal,
        "socket": layout.state / portal.socket,
    }
    if portal.nginx:
        names += [NGINX, NGINX_RUNNER]
        known |= {"nginx_conf": to / NGINX, "nginx_sh": to / NGINX_RUNNER, **nginx.values(portal)}
    return {name: render(f"{name}.jinja", **known) for name in names}


def render(name: str, **values: object) -> str:
    """The text of one template of this folder.

    :param values: what it may name; a name that is not among them is an error.
    """
    template = (resources.files("cloudhands.ops.deploy") / name).read_text(encoding="utf-8")
    environment = Environment(
        undefined=StrictUndefined, keep_trailing_newline=True, lstrip_blocks=True, trim_blocks=True
    )
    environment.filters["argument"] = _argument
    environment.filters["quoted"] = nginx.quoted
    return environment.from_string(template).render(values)


def _argument(value: object) -> str:
    """One word of a command line."""
    return shlex.quote(str(value))
