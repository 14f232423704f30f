"""Lets another release serve: the link, then the programs; and back again, if they are not well.

What is under way stands in the host's journal, so that an interruption at any point is found, and
the same command run again goes on from there.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cloudhands.common.errors import ConfigurationError, DeploymentError
from cloudhands.ops.bundle.database import Admin
from cloudhands.ops.bundle.host import Host, Release, write
from cloudhands.ops.bundle.python import run
from cloudhands.ops.bundle.restarting import Restarting
from cloudhands.ops.bundle.supervision import Supervision
from cloudhands.ops.bundle.telling import Tell

NGINX = "nginx.conf"
SUPERVISORD = "supervisord.conf"
SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
Texts = Mapping[str, str]


@dataclass(frozen=True)
class Switching:
    """One switch to a release.

    :param start: whether supervisord is started where it does not run.
    """

    host: Host
    release: Release
    tell: Tell
    start: bool = True

    def switch(self) -> None:
        """Let the release serve.

        :raises DeploymentError: if it is not well; the one before then serves again, if it can.
        """
        running, texts = self.host.running(), self._texts()
        self.note_what_is_up()
        self._write_files(texts)
        if running != self.release:
            self.tell(f"Switching {self.host.current} to {self.release.version}.")
            self.host.switch(self.release)
        try:
            self._restart(self.release)
        except DeploymentError as error:
            self._put_back(running, texts, error)
        self.tell(f"{self.release.version} is in use.")
        self._end("done")

    def note_what_is_up(self) -> None:
        """Keep which programs are up: an interruption may come while one is down."""
        programs = Supervision(self.host).programs()
        up = {program.name for program in programs if program.is_up}
        self.host.journal.note(up=sorted(up.union(self._noted())))

    def stop(self) -> None:
        """Stop every program; those that were up start again with the release."""
        self.note_what_is_up()
        supervision = Supervision(self.host)
        for program in supervision.programs():
            if program.is_up:
                self.tell(f"Stopping {program.name}.")
                supervision.stop(program)

    def resume(self) -> str:
        """Start again what was stopped, where the release that is used can go on.

        :returns: what serves now, for people.
        """
        running = self.host.running()
        if running is None:
            return "nothing serves yet"
        if not self._is_usable(running):
            return f"{running.version} cannot use the database: mend that, then run this again"
        try:
            self._restart(running)
        except DeploymentError as error:
            return f"and {running.version} is not well: {error}"
        return f"{running.version} serves as before"

    def _noted(self) -> list[str]:
        return list(self.host.journal.read().get("up", []))

    def _restart(self, release: Release) -> None:
        supervision = Supervision(self.host)
        Restarting(supervision, release, self._noted(), self.tell).run(start=self.start)
        if self.host.journal.read().get("nginx"):
            self.tell("Having nginx read its new configuration.")
            supervision.reload_nginx()

    # --- The files of supervisord and nginx ----------------------------------------------------

    def _texts(self) -> Texts:
        folder = self.host.deploy
        files = folder.iterdir() if folder.is_dir() else ()
        return {file.name: file.read_text(encoding="utf-8") for file in files if file.is_file()}

    def _write_files(self, before: Texts) -> None:
        """Have the release write them for these settings; told if that changes them."""
        host = self.host
        admin = Admin(self.release, host.settings)
        admin.run(
            *("deploy-files", "--to", host.deploy, "--programs", host.programs),
            *("--supervisor", host.supervisor / "venv" / "bin"),
        )
        after = self._texts()
        if after.get(NGINX) not in (None, before.get(NGINX)):
            self._check_nginx(before)
            host.journal.note(nginx=bool(before))
        if not before:
            self.tell(f"Wrote the configuration of supervisord in {host.deploy}.")
        elif after.get(SUPERVISORD) != before.get(SUPERVISORD):
            self.tell(
                f"{host.deploy / SUPERVISORD} has changed. When people can do without for a "
                f"moment: {Supervision(host).command_for('update')}"
            )

    def _check_nginx(self, before: Texts) -> None:
        argv = ["nginx", "-e", "stderr", "-t", "-q", "-c", str(self.host.deploy / NGINX)]
        try:
            run("the new configuration of nginx", ["env", f"PATH={_path()}", *argv])
        except DeploymentError as error:
            self._write_back(before)
            raise ConfigurationError(str(error)) from error

    def _write_back(self, texts: Texts) -> None:
        for name, text in texts.items():
            write(self.host.deploy / name, text)

    # --- And back --------------------------------------------------------------------------------

    def _put_back(self, before: Release | None, texts: Texts, error: DeploymentError) -> None:
        """Let the release before serve again.

        :raises DeploymentError: always, and it says what serves now.
        """
        failed = f"{self.release.version} is not well: {error}"
        if before is None or before == self.release:
            raise DeploymentError(f"{failed}. Mend that, then run this again") from error
        if not self._is_usable(before):
            raise DeploymentError(
                f"{failed}. {before.version} cannot use the database any more: mend that, then "
                f"run this again, or restore a backup from {self.host.backups}"
            ) from error
        self.tell(f"{self.release.version} is not well: back to {before.version}.")
        self._write_back(texts)
        self.host.switch(before)
        self._restart(before)
        self._end("put back")
        raise DeploymentError(f"{failed}. {before.version} serves again") from error

    def _is_usable(self, release: Release) -> bool:
        try:
            return Admin(release, self.host.settings).standing().usable
        except ConfigurationError:
            return False

    def _end(self, outcome: str) -> None:
        under_way = self.host.journal.read()
        self.host.record(
            {
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "action": under_way.get("action"),
                "from": under_way.get("from"),
                "to": self.release.version,
                "outcome": outcome,
            }
        )
        self.host.journal.end()


def _path() -> str:
    """Daemons live in folders that are not in everyone's PATH."""
    return f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATH}"
