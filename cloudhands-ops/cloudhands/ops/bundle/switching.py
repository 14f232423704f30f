"""Lets another release serve: the link, then the programs; and back again, if they are not well.

What is under way stands in the host's journal, so that an interruption at any point is found, and
the same command run again goes on from there.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cloudhands.common.errors import CloudhandsError, ConfigurationError, DeploymentError
from cloudhands.ops.bundle import disk
from cloudhands.ops.bundle.configuring import Configuring
from cloudhands.ops.bundle.database import Admin
from cloudhands.ops.bundle.host import Host, Release
from cloudhands.ops.bundle.restarting import Restarting
from cloudhands.ops.bundle.supervision import Supervision
from cloudhands.ops.bundle.telling import Tell


@dataclass(frozen=True)
class Switching:
    """One switch to a release, from the one that the journal names.

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
        with self.or_back():
            self.note_what_is_up()
            Configuring(self.host, self.tell).write(self.release)
            if self.host.running() != self.release:
                self.tell(f"Switching {self.host.current} to {self.release.version}.")
                self.host.switch(self.release)
            self._restart(self.release, start=self.start)
        self.tell(f"{self.release.version} is in use.")
        self._end("done")

    def note_what_is_up(self) -> None:
        """Keep which programs are up: an interruption may come while one is down.

        And which of them failed already when this began: later it would be the release's doing.
        """
        programs = Supervision(self.host).programs()
        if not programs:
            return
        up = {program.name for program in programs if program.is_up}
        failing = [program.name for program in programs if program.is_failing]
        self.host.journal.note(
            up=sorted(up.union(self._noted())),
            failing=self.host.journal.read().get("failing", failing),
        )

    def stop(self) -> None:
        """Stop every program; those that were up start again with the release."""
        self.note_what_is_up()
        supervision = Supervision(self.host)
        for program in supervision.programs():
            if program.is_up:
                self.tell(f"Stopping {program.name}.")
                supervision.stop(program)

    @contextmanager
    def or_back(self) -> Iterator[None]:
        """Let the release before serve, if it can, when a `with` block fails.

        :raises DeploymentError: then; it says what serves now.
        """
        try:
            yield
        except (CloudhandsError, OSError) as error:
            why = disk.told(error, self.host.folder) if isinstance(error, OSError) else str(error)
            raise DeploymentError(f"{why}. {self._back()}") from error
        except KeyboardInterrupt:
            self._start_what_was_stopped()
            raise

    def _start_what_was_stopped(self) -> None:
        """After an interruption nothing stays down that can run: of the release in use."""
        running = self.host.running()
        if running is not None and self._is_usable(running, self.host.settings):
            with suppress(CloudhandsError, OSError):
                supervision = Supervision(self.host)
                for program in supervision.programs():
                    if program.name in self._noted() and not program.is_up:
                        supervision.restart(program)

    def _noted(self) -> list[str]:
        return list(self.host.journal.read().get("up", []))

    def _restart(self, release: Release, *, start: bool) -> None:
        supervision = Supervision(self.host)
        Restarting(supervision, release, self.host.journal, self.tell).run(start=start)
        if self.host.journal.read().get("nginx") and supervision.runs_nginx():
            self.tell("Having nginx read its new configuration.")
            supervision.reload_nginx()

    # --- And back --------------------------------------------------------------------------------

    def _before(self) -> Release | None:
        """What served as a whole before this began; None if nothing did that is still there."""
        version = self.host.journal.read().get("from")
        if not version or version == self.release.version:
            return None
        return self.host.whole(version)

    def _back(self) -> str:
        """Let the release before serve again.

        :returns: what serves now, for people.
        """
        before = self._before()
        if before is None:
            return self._nothing_before()
        # It is to serve as before, and may not know what other settings say.
        if not self._is_usable(before, self.host.settings_before):
            return (
                f"{before.version} cannot use the database any more: mend that, then run this "
                f"again, or restore a backup from {self.host.backups}"
            )
        try:
            self.host.give_back_settings()
            if self.host.running() != before:
                self.tell(f"{self.release.version} is not well: back to {before.version}.")
                Configuring(self.host, self.tell).rewrite(before)
                self.host.switch(before)
            # What did not run before is not started for it.
            self._restart(before, start=False)
        except (CloudhandsError, OSError) as error:
            return f"Going back to {before.version} failed, too: {error}. Run rollback"
        self._end("put back")
        return f"{before.version} serves as before"

    def _nothing_before(self) -> str:
        if self.host.journal.read().get("from") == self.release.version:
            return (
                f"{self.release.version} was in use before, too: mend that, then run this again, "
                "or use rollback"
            )
        return "Nothing was there before that could serve: mend that, then run this again"

    def _is_usable(self, release: Release, settings: Path) -> bool:
        try:
            return Admin(release, settings).standing().usable
        except ConfigurationError:
            return False

    def _end(self, outcome: str) -> None:
        under_way = self.host.journal.read()
        try:
            self.host.record(
                {
                    "at": datetime.now(UTC).isoformat(timespec="seconds"),
                    "action": under_way.get("action"),
                    "from": under_way.get("from"),
                    "to": self.release.version,
                    "outcome": outcome,
                }
            )
        except OSError as error:
            self.tell(f"warning: it is not in the log: {disk.told(error, self.host.log)}")
        self.host.journal.end()
