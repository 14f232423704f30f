"""What an operator asks of the `cloud-index` that runs, left in a file beside the index.

That so many people are really gone (`Confirmation`), or that everybody is read anew (`Rebuild`).
"""

import time
from contextlib import suppress
from pathlib import Path

from cloudhands.common.errors import ConfigurationError
from cloudhands.web.index import engine

CONFIRMED, REBUILD = "deletions-confirmed", "rebuild-asked"
# Whoever confirms means what was refused lately, not what will be refused some day.
VALID_SECONDS = 3600.0


class Request:
    """A file that counts for one commit.

    :param folder: the index's folder of the settings.
    :param name: of the file.
    :param valid: seconds that it counts; None as long as it is there.
    """

    def __init__(self, folder: Path, name: str, valid: float | None) -> None:
        self._file = engine.location(folder) / name
        self._valid = valid
        self._noticed: int | None = None
        self._answered: int | None = None
        self._done: int | None = None

    def leave(self) -> None:
        """Ask.

        :raises ConfigurationError: if this user may not write there.
        """
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            # Anew: another user's could not be given another time.
            self._file.unlink(missing_ok=True)
            self._file.touch()
        except OSError as error:
            raise ConfigurationError(
                f"{self._file} cannot be written: {error.strerror}. "
                "Do it as the user whom cloud-index runs as"
            ) from error

    def is_given(self) -> bool:
        """Whether somebody has asked; the next commit that answers it is its end."""
        self._answered = self._found()
        return self._answered is not None

    def is_new(self) -> bool:
        """Whether somebody has asked since this was looked at the last time."""
        found, before = self._found(), self._noticed
        self._noticed = found
        return found is not None and found != before

    def done(self) -> None:
        """What was asked for is done, and counts no more."""
        if self._answered is None:
            return
        # What may not be removed would be done again and again.
        self._done, self._answered = self._answered, None
        if self._found_at() == self._done:
            with suppress(OSError):
                self._file.unlink(missing_ok=True)

    def _found(self) -> int | None:
        """When somebody asked, or None if it does not count."""
        at = self._found_at()
        if at is None or at == self._done:
            return None
        age = time.time() - at / 1e9
        return at if self._valid is None or 0 <= age < self._valid else None

    def _found_at(self) -> int | None:
        try:
            return self._file.stat().st_mtime_ns
        except OSError:
            return None


class Confirmation(Request):
    """That many people are gone; it counts for an hour, and for one commit."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, CONFIRMED, VALID_SECONDS)

    def committed(self, commit: engine.Commit) -> None:
        """The index was changed; if that was after somebody looked for it, it is done."""
        self.done()


class Rebuild(Request):
    """That everybody is read anew, into another index; it counts until that is done."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, REBUILD, None)

    def committed(self, commit: engine.Commit) -> None:
        """The index was changed; if that was another one, it is done."""
        if commit.anew:
            self.done()
