"""When the index was last known to be what the directory holds, where no commit says it.

A sync that finds nothing to change would otherwise cost a commit, which writes some ten files and
has every reader open them. The time is that of an empty file's last change.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

FILE = "synced"


def note(path: Path, synced: datetime) -> None:
    """Keep a time with a set of files.

    :raises OSError: if it cannot be kept.
    """
    file = path / FILE
    at = round(synced.timestamp() * 1e9)
    try:
        os.utime(file, ns=(at, at))
    except FileNotFoundError:
        file.touch()
        os.utime(file, ns=(at, at))


def noted(path: Path) -> datetime | None:
    """The time that is kept with a set of files, UTC, or None."""
    try:
        at = (path / FILE).stat().st_mtime_ns
    except OSError:
        return None
    return datetime.fromtimestamp(at / 1e9, UTC)
