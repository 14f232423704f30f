"""Brings the programs to a release, one after the other, so that some of them always serve."""

from collections.abc import Collection

from cloudhands.common.errors import DeploymentError
from cloudhands.ops.bundle.host import Release
from cloudhands.ops.bundle.supervision import Program, Supervision
from cloudhands.ops.bundle.telling import Tell


class Restarting:
    """The programs of one supervisord on the way to a release.

    :param up: the names of those that were up when this began, perhaps before an interruption.
    """

    def __init__(
        self, supervision: Supervision, release: Release, up: Collection[str], tell: Tell
    ) -> None:
        self._supervision = supervision
        self._release = release
        self._up = up
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
        if program.is_of(self._release):
            return
        if not program.is_up and program.name not in self._up:
            self._tell(f"{program.name} was {program.state} before, and is left so.")
            return
        self._tell(f"Restarting {program.name}.")
        try:
            self._supervision.restart(program)
        except DeploymentError as error:
            if not program.is_failing:
                raise
            self._tell(f"warning: it was {program.state} before, and {error}")

    def _begin(self) -> None:
        self._tell("Starting supervisord, and with it every program.")
        begin = self._supervision.lengths()
        self._supervision.start()
        for program in self._supervision.programs():
            try:
                self._supervision.await_well(program, begin.get(program.log, 0))
            except DeploymentError as error:
                # The portal can do without the others, which may lack a directory or a cloud.
                if program.kind == "cloud-serve":
                    raise
                self._tell(f"warning: {error}")
