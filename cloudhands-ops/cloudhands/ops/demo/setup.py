"""Sets a demonstration up: settings, directory, database, people, organisation, catalogue.

Every step finds what an earlier run made and leaves it, so that it can be run before each start.
"""

import io
import os
import secrets
import shlex
from contextlib import redirect_stdout
from pathlib import Path

from cloudhands.common.errors import ConfigurationError
from cloudhands.common.testing import programs
from cloudhands.common.testing.ports import free_port
from cloudhands.ops.admin.main import main as cloud_admin
from cloudhands.ops.demo import configuration, directory, release, summary
from cloudhands.ops.demo.place import Place
from cloudhands.ops.deploy import files

ADMINISTRATOR = "pi"
ADMINISTRATOR_NAME = "Ada Lovelace"
ORGANISATION, ORGANISATION_TITLE = "observatory", "Climate Observatory"
APPLIANCE_LIMIT = 40

DIRECTORY_PROGRAM = """\
[program:directory]
command=setpriv --pdeathsig TERM {command}
; Before those that ask it.
priority=1
autorestart=true
startretries=100
stopwaitsecs=15
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=10MB
"""


def prepare(place: Place, port: int) -> None:
    """Make everything that a start needs; nothing of it may be running.

    :param place: made, and its own.
    :param port: the portal's.
    :raises ConfigurationError: if something cannot be made.
    """
    # The directory's port is nobody's business but ours, so each start takes one that is free.
    served = directory.prepare(place.state / "directory", free_port())
    nginx = programs.find("nginx") is not None
    tables = configuration.values(place, port, served.settings, nginx=nginx)
    configuration.write(place.settings, tables)
    files.write(place.layout, configuration.read(place).portal, place.state)
    _write_program(place, served.argv)
    _fill_database(place, administrator(place))
    _write_summary(place, served)
    release.record(place)


def administrator(place: Place) -> directory.SignIn:
    """The organisation's administrator, with a password that is made up at the first call."""
    _make_password(place.password)
    password = place.password.read_text(encoding="ascii").strip()
    return directory.SignIn(ADMINISTRATOR_NAME, ADMINISTRATOR, password)


def _write_program(place: Place, argv: list[str]) -> None:
    place.programs.mkdir(exist_ok=True)
    log = place.layout.logs / "directory.log"
    text = DIRECTORY_PROGRAM.format(command=shlex.join(argv), log=log)
    (place.programs / "directory.conf").write_text(text, encoding="utf-8")


def _make_password(file: Path) -> None:
    if file.exists():
        return
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as out:
        out.write(secrets.token_hex(8) + "\n")


def _fill_database(place: Place, who: directory.SignIn) -> None:
    password_file = shlex.quote(str(place.password))
    _admin(place, "db upgrade")
    _admin(place, "catalogue load")
    _admin(
        place,
        f"user create {who.uid} --if-missing --name '{who.name}' --mail {who.uid}@example.org"
        f" --password-file {password_file}",
    )
    _admin(
        place,
        f"org create {ORGANISATION} --if-missing --title '{ORGANISATION_TITLE}'"
        f" --admin {who.uid} --limit {APPLIANCE_LIMIT} --overflow auto",
    )


def _admin(place: Place, command: str) -> None:
    argv = ["--config", str(place.settings), *shlex.split(command)]
    # What it did is of no interest here; what went wrong it says itself, on standard error.
    with redirect_stdout(io.StringIO()):
        status = cloud_admin(argv)
    if status:
        raise ConfigurationError(f"'cloud-admin {command}' ended with status {status}")


def _write_summary(place: Place, served: directory.Prepared) -> None:
    text = summary.text(place, configuration.read(place).portal, administrator(place), served)
    place.summary.touch(mode=0o600)
    place.summary.write_text(text, encoding="utf-8")
