"""Where a demonstration keeps everything, and the proof that a folder is a demonstration's own."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cloudhands.common.errors import ConfigurationError
from cloudhands.ops.deploy import files

MARKER = ".cloudhands-demo"
MARKER_TEXT = (
    "A demonstration of cloudhands keeps its state here; 'demo.sh reset' removes all of it.\n"
)


@dataclass(frozen=True)
class Place:
    """The paths of a demonstration, all absolute.

    :param folder: the one that its user names; the state is below, beside what `demo.sh` installs.
    """

    folder: Path

    @property
    def state(self) -> Path:
        """What `reset` removes."""
        return self.folder / "state"

    @property
    def settings(self) -> Path:
        """The settings file."""
        return self.state / "cloudhands.toml"

    @property
    def supervisord(self) -> Path:
        """The configuration of supervisord."""
        return self.state / files.SUPERVISORD

    @property
    def programs(self) -> Path:
        """The folder for programs that supervisord keeps besides ours."""
        return self.state / "conf.d"

    @property
    def password(self) -> Path:
        """The file with the administrator's password."""
        return self.state / "administrator.password"

    @property
    def summary(self) -> Path:
        """The file with what a person reads when everything is up."""
        return self.state / "summary.txt"

    @property
    def release(self) -> Path:
        """The file that tells which code set it up."""
        return self.state / "release"

    @property
    def layout(self) -> files.Layout:
        """The same for the deployment files."""
        return files.Layout(config=self.settings, state=self.state)

    @property
    def is_made(self) -> bool:
        """Whether there is a demonstration here."""
        return self.settings.is_file()

    def make(self) -> None:
        """Make the state folder, or find that it is a demonstration's own.

        :raises ConfigurationError: if it cannot be made or holds something else.
        """
        try:
            self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._is_ours and any(self.state.iterdir()):
                raise ConfigurationError(
                    f"{self.state} is not empty and no demonstration made it: name another folder "
                    "with --dir"
                )
            (self.state / MARKER).write_text(MARKER_TEXT, encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(
                f"{self.state} cannot be made: {error.strerror}. Name another folder with --dir"
            ) from error

    @property
    def _is_ours(self) -> bool:
        return (self.state / MARKER).is_file()

    def remove(self) -> bool:
        """Remove the state folder; returns whether there was one.

        :raises ConfigurationError: if no demonstration made it.
        """
        if not self.state.exists():
            return False
        if not self._is_ours:
            raise ConfigurationError(
                f"{self.state} was not made by a demonstration and is left alone"
            )
        shutil.rmtree(self.state)
        return True

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other demonstration commands out of this folder for a `with` block; they wait."""
        if not self.folder.is_dir():
            # Nothing is there that another command could be changing.
            yield
            return
        with (self.folder / ".lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
