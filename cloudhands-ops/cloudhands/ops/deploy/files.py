"""Renders the deployment files: the same ones for a site and for the demonstration.

Every path in them is absolute, because supervisord leaves its working folder when it goes to the
background.
"""

import re
import shlex
import sysconfig
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from cloudhands.common.errors import ConfigurationError

SUPERVISORD = "supervisord.conf"

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
    """

    config: Path
    state: Path
    programs: Path = field(default_factory=lambda: Path(sysconfig.get_path("scripts")))

    @property
    def run(self) -> Path:
        """Where the pid file and the socket are."""
        return self.state / "run"

    @property
    def logs(self) -> Path:
        """Where each program's log is."""
        return self.state / "log"

    @property
    def socket(self) -> Path:
        """Where supervisord is spoken to."""
        return self.run / "supervisor.sock"

    @property
    def pid_file(self) -> Path:
        """Where supervisord writes its process id."""
        return self.run / "supervisord.pid"


def write(layout: Layout, to: Path) -> list[Path]:
    """Render each deployment file into a folder, and make the folders that they name.

    :returns: the files, in sorted order.
    :raises ConfigurationError: if something cannot be written or supervisord could not read it.
    """
    _check(layout)
    try:
        for folder in (to, layout.run, layout.logs):
            folder.mkdir(parents=True, exist_ok=True)
        return [_write(layout, name, to) for name in _templates()]
    except OSError as error:
        raise ConfigurationError(
            f"{error.filename} cannot be written: {error.strerror}. Name another folder, or change "
            "its permissions"
        ) from error


def _check(layout: Layout) -> None:
    if len(bytes(layout.socket)) > LONGEST_SOCKET:
        raise ConfigurationError(
            f"{layout.socket} is too long for a socket: choose a state folder with a shorter path"
        )
    for path in (layout.config, layout.state, layout.programs):
        if UNUSABLE.search(str(path)):
            raise ConfigurationError(
                f"{path}: supervisord cannot be told of a path with a percent sign, a comment sign "
                "after a space, or a line's end: choose another"
            )


def _templates() -> list[str]:
    folder = resources.files("cloudhands.ops.deploy")
    names = (file.name for file in folder.iterdir() if file.name.endswith(".jinja"))
    return sorted(names)


def _write(layout: Layout, name: str, to: Path) -> Path:
    file = to.absolute() / name.removesuffix(".jinja")
    file.write_text(render(name, layout=layout), encoding="utf-8")
    return file


def render(name: str, **values: object) -> str:
    """The text of one template of this folder.

    :param values: what it may name; a name that is not among them is an error.
    """
    template = (resources.files("cloudhands.ops.deploy") / name).read_text(encoding="utf-8")
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters["argument"] = _argument
    return environment.from_string(template).render(values)


def _argument(value: object) -> str:
    """One word of a command line."""
    return shlex.quote(str(value))
