"""Has a release write the files of supervisord and nginx, and tells what is not gone by yet."""

import configparser
import os
from collections.abc import Mapping
from pathlib import Path

from cloudhands.common.errors import CloudhandsError, Conflict, DeploymentError
from cloudhands.ops.bundle.database import Admin
from cloudhands.ops.bundle.fitness import SYSTEM_FOLDERS
from cloudhands.ops.bundle.host import VENV, Host, Release, write
from cloudhands.ops.bundle.python import run
from cloudhands.ops.bundle.supervision import Supervision
from cloudhands.ops.bundle.telling import Tell

NGINX = "nginx.conf"
SUPERVISORD = "supervisord.conf"
# Where the running supervisord is spoken to.
_PLACE = ("unix_http_server", "file")
Texts = Mapping[str, str]


class Configuring:
    """The files of one host."""

    def __init__(self, host: Host, tell: Tell) -> None:
        self._host = host
        self._tell = tell
        self._supervision = Supervision(host)

    def try_out(self, release: Release, settings: Path, place: Path) -> None:
        """Refuse settings with which the files would not do, before anything is changed.

        :param place: an empty folder, for files that nobody goes by.
        :raises CloudhandsError: if they would not do.
        """
        self._render(Admin(release, settings), place)
        self._check(_texts(self._host.deploy), place)

    def write(self, release: Release) -> None:
        """Have a release write them for the settings; told if that changes them.

        :raises CloudhandsError: if they will not do; they are then as before.
        """
        before, runs = _texts(self._host.deploy), self._supervision.is_running()
        noted = self._host.journal.read().get("nginx", False)
        # Whoever goes on after an interruption cannot tell any more what nginx has read.
        self._host.journal.note(nginx=bool(before))
        try:
            self.rewrite(release)
            self._check(before, self._host.deploy)
        except (CloudhandsError, OSError):
            self._write_back(before)
            self._host.journal.note(nginx=noted)
            raise
        after = _texts(self._host.deploy)
        if after.get(NGINX) in (None, before.get(NGINX)):
            self._host.journal.note(nginx=noted)
        if not before:
            self._tell(f"Wrote the configuration of supervisord in {self._host.deploy}.")
        if runs:
            self._tell_unapplied(before, after)

    def rewrite(self, release: Release) -> None:
        """Have a release write them, as it did before.

        :raises DeploymentError: if it cannot.
        """
        self._render(Admin(release, self._host.settings), self._host.deploy)

    def _render(self, admin: Admin, to: Path) -> None:
        admin.run(
            *("deploy-files", "--to", to, "--programs", self._host.programs),
            *("--supervisor", self._host.supervisor / VENV / "bin"),
        )

    def _write_back(self, texts: Texts) -> None:
        for name, text in texts.items():
            if (self._host.deploy / name).read_text(encoding="utf-8") != text:
                write(self._host.deploy / name, text)

    def _check(self, before: Texts, folder: Path) -> None:
        """Refuse files that will not do.

        :raises Conflict: if nobody could speak to the supervisord that runs, or another
            installation's would be spoken to.
        :raises DeploymentError: if nginx refuses its own, in its words.
        """
        self._refuse_another(folder / SUPERVISORD)
        after = _texts(folder)
        old, new = (_parsed(one).get(*_PLACE, fallback="") for one in (before, after))
        if old != new and self._supervision.is_running():
            raise Conflict(
                f"supervisord runs with {old}, and by {self._host.settings} it would be {new}: "
                f"stop it first, when people can do without: "
                f"{self._supervision.command_for('shutdown')}"
            )
        if after.get(NGINX) not in (None, before.get(NGINX)):
            path = ":".join((os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS))
            argv = ["nginx", "-e", "stderr", "-t", "-q", "-c", str(folder / NGINX)]
            run("the new configuration of nginx", ["env", f"PATH={path}", *argv])

    def _refuse_another(self, file: Path) -> None:
        for command in Supervision(self._host, file).commands():
            if str(self._host.programs) not in command:
                raise Conflict(
                    "the state folder that the settings name is another installation's, whose "
                    f"supervisord runs {command}: give this one a folder of its own"
                )

    def _tell_unapplied(self, before: Texts, after: Texts) -> None:
        """What a running supervisord goes on doing in the old way, and what changes that."""
        file = self._host.deploy / SUPERVISORD
        try:
            names = self._supervision.unapplied()
        except DeploymentError as error:
            self._tell(f"warning: {file}: {error}")
            return
        if names:
            self._tell(
                f"warning: {file} has changed for {', '.join(names)}, which go on as before. "
                "When people can do without them for a moment: "
                f"{self._supervision.command_for('update', *names)}"
            )
        if _of_itself(before) != _of_itself(after):
            self._tell(
                f"warning: {file} has changed for supervisord itself, which goes on as before. "
                "When people can do without everything for a moment: "
                f"{self._supervision.command_for('shutdown')}, then {self._supervision.command}"
            )


def _texts(folder: Path) -> Texts:
    files = folder.iterdir() if folder.is_dir() else ()
    return {file.name: file.read_text(encoding="utf-8") for file in files if file.is_file()}


def _parsed(texts: Texts) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(texts.get(SUPERVISORD, ""))
    return parser


def _of_itself(texts: Texts) -> Mapping[str, Mapping[str, str]]:
    """What supervisord does not read again: the sections of no program."""
    parsed = _parsed(texts)
    return {
        name: dict(parsed[name])
        for name in parsed.sections()
        if ":" not in name and name not in ("include", "supervisorctl")
    }
