"""An operator's word that so many people are really gone, left for the `cloud-index` that runs."""

import time
from pathlib import Path

from cloudhands.common.errors import ConfigurationError
from cloudhands.web.index import engine

FILE = "deletions-confirmed"
# Whoever confirms means what was refused lately, not what will be refused some day.
VALID_SECONDS = 3600.0


class Confirmation:
    """A file beside the index; it counts for an hour, and for one commit.

    :param folder: the index's folder of the settings.
    """

    def __init__(self, folder: Path) -> None:
        self._file = engine.location(folder) / FILE
        self._was_asked = False

    def leave(self) -> None:
        """Confirm.

        :raises ConfigurationError: if this user may not write there.
        """
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.touch()
        except OSError as error:
            raise ConfigurationError(
                f"{self._file} cannot be written: {error.strerror}. "
                "Do it as the user whom cloud-index runs as"
            ) from error

    def is_given(self) -> bool:
        """Whether somebody has confirmed."""
        try:
            age = time.time() - self._file.stat().st_mtime
        except OSError:
            return False
        self._was_asked = 0 <= age < VALID_SECONDS
        return self._was_asked

    def committed(self, commit: engine.Commit) -> None:
        """What was confirmed is done, and counts no more."""
        if self._was_asked:
            self._was_asked = False
            self._file.unlink(missing_ok=True)
