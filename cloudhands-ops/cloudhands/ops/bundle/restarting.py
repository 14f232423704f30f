"""Brings the programs to a release, one after the other, so that some of them always serve."""

from cloudhands.common.errors import DeploymentError
from cloudhands.ops.bundle.host import Journal, Release
from cloudhands.ops.bundle.supervision import Program, Supervision
from cloudhands.ops.bundle.telling import Tell


class Restarting:
    """The programs of one supervisord on the way to a release.

    :param journal: which of them were up, and which failed, when this began, perhaps before an
        interruption; and which one was in hand then.
    """

    def __init__(
        self, supervision: Supervision, release: Release, journal: Journal, tell: Tell
    ) -> None:
        self._supervision = supervision
        self._release = release
        self._journal = journal
        self._tell = tell

    def run(self, *, start: bool) -> None:
        """Restart what does not run from the release.

        :param start: start supervisord, too, where it does not run.
        :raises DeploymentError: if one is not well afterwards.
        """
        if self._supervision.is_running():
            for program in self._supervision.programs():
                self._restart(program)
        elif start:
            self._begin()
        else:
            self._tell(f"supervisord does not run. To start it: {self._supervision.command}")

    def _restart(self, program: Program) -> None:
        under_way = self._journal.read()
        # What was in hand may never have been seen to be well.
        in_hand = program.name == under_way.get("restarting")
        if program.is_of(self._release) and program.state == "RUNNING" and not in_hand:
            return
        if not program.is_up and program.name not in under_way.get("up", []):
            self._tell(f"{program.name} was {program.state} before, and is left so.")
            return
        self._tell(f"Restarting {program.name}.")
        self._journal.note(restarting=program.name)
        try:
            self._supervision.restart(program)
        except DeploymentError as error:
            if program.is_portal or program.name not in under_way.get("failing", []):
                raise
            self._tell(f"warning: it did not stay up before, either: {error}")

    def _begin(self) -> None:
        self._tell("Starting supervisord, and with it every program.")
        begin = self._supervision.lengths()
        self._supervision.start()
        for program in self._supervision.programs():
            try:
                self._supervision.await_well(program, begin.get(program.log, 0))
            except DeploymentError as error:
                if program.is_portal:
                    raise
                self._tell(f"warning: {error}")
