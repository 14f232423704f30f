"""What a running `cloud-index` says of itself, in a small file beside the index.

The index cannot know it: with whom it is connected, what went wrong, how far a read has come. The
file is never torn; whether its writer still lives, the index's lock tells, and whether it runs on,
the time of the file's last change.
"""

import json
import os
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from cloudhands.web.index import engine
from cloudhands.web.index.engine.place import Place
from cloudhands.web.index.sync import Contact, Progress

FILE = "status.json"
# A read tells how far it has come more often than anybody looks.
PROGRESS_SECONDS = 0.5
# Who keeps the index shows that it runs on so often, in seconds.
BEAT_SECONDS = 5.0
TIMES = ("started", "ended", "since", "synced", "error_at", "committed")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Status:
    """How a process stands that writes the index; times are UTC.

    :param pid: the process.
    :param started: when it was.
    :param ended: when it stopped as it was told to; None while it runs, and if it was killed.
    :param follows: whether it goes on after the first sync.
    :param protocol: in use; empty before the first sync.
    :param server: to which there is a connection; empty without one.
    :param since: when that was made.
    :param synced: when the index was last known to be what the directory holds.
    :param error: what went wrong last; kept when all is well again.
    :param error_at: when.
    :param in_trouble: whether it still does.
    :param read: how many entries a read of everybody has brought, while it goes on.
    :param expected: how many there were before.
    :param reading_seconds: since that read began.
    :param committed: when the index was last changed.
    :param commit_seconds: how long that took.
    :param reason: why the directory does not tell changes as they come; empty if it does.
    :param failures: how many attempts to sync have failed.
    """

    pid: int
    started: datetime
    follows: bool
    ended: datetime | None = None
    protocol: str = ""
    server: str = ""
    since: datetime | None = None
    synced: datetime | None = None
    error: str = ""
    error_at: datetime | None = None
    in_trouble: bool = False
    read: int | None = None
    expected: int | None = None
    reading_seconds: float = 0.0
    committed: datetime | None = None
    commit_seconds: float | None = None
    reason: str = ""
    failures: int = 0


def _file(folder: Path) -> Path:
    return engine.location(folder) / FILE


def read(folder: Path) -> Status | None:
    """What the process said last that wrote the index, or None if nothing that can be read.

    :param folder: the index's folder of the settings.
    """
    try:
        found: Any = json.loads(_file(folder).read_bytes())
        times = {name: datetime.fromisoformat(found[name]) for name in TIMES if found[name]}
        return Status(**{**found, **times})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def heard(folder: Path) -> datetime | None:
    """When the process that writes the index last showed that it runs on, or None.

    :param folder: the index's folder of the settings.
    """
    try:
        return datetime.fromtimestamp(_file(folder).stat().st_mtime, UTC)
    except OSError:
        return None


def is_running(folder: Path) -> bool:
    """Whether a process writes the index at this moment; no if that cannot be told.

    Who may not look at its lock may not read the index either, and is told so there.
    """
    try:
        return Place(engine.location(folder)).is_held()
    except OSError:
        return False


class Journal:
    """Keeps the status of this process, in memory and in the file; safe to share among threads.

    :param folder: the index's folder of the settings.
    :param follows: whether this process goes on after the first sync.
    """

    def __init__(self, folder: Path, *, follows: bool) -> None:
        self._file = _file(folder)
        self._lock = threading.Lock()
        self._failed = False
        self._told = 0.0
        self._beat: float | None = None
        self.status = Status(os.getpid(), _now(), follows)

    def begin(self) -> None:
        """Write the first status: this process holds the index now."""
        self._change()
        self._beat = time.monotonic()

    def beat(self) -> None:
        """Show that this process runs on, from time to time, while it holds the index."""
        if self._beat is None or time.monotonic() - self._beat < BEAT_SECONDS:
            return
        self._beat = time.monotonic()
        # Where it cannot be written that is told with the next change.
        with suppress(OSError):
            os.utime(self._file)

    def seen(self, contact: Contact) -> None:
        """How it stands with the directory."""
        trouble: dict[str, object] = {"in_trouble": bool(contact.error)}
        if contact.failures != self.status.failures:
            trouble |= {"error": contact.error, "error_at": _now(), "read": None}
        elif contact.synced != self.status.synced:
            trouble |= {"read": None, "expected": None}
        self._change(
            protocol=contact.protocol,
            server=contact.server,
            since=contact.since,
            synced=contact.synced or self.status.synced,
            failures=contact.failures,
            reason=contact.reason,
            **trouble,
        )

    def told(self, progress: Progress) -> None:
        """How far a read of everybody has come."""
        if time.monotonic() - self._told < PROGRESS_SECONDS:
            return
        self._told = time.monotonic()
        self._change(
            read=progress.read, expected=progress.expected, reading_seconds=progress.seconds
        )

    def committed(self, commit: engine.Commit) -> None:
        """The index was changed."""
        over: dict[str, object] = {"read": None, "expected": None} if commit.anew else {}
        self._change(committed=_now(), commit_seconds=round(commit.seconds, 4), **over)

    def failed(self, error: Exception) -> None:
        """It ends, because of this."""
        self._change(error=str(error), error_at=_now(), in_trouble=True, read=None)

    def end(self) -> None:
        """Nothing more will be said."""
        self._beat = None
        self._change(ended=_now(), server="", since=None, read=None)

    def _change(self, **values: object) -> None:
        with self._lock:
            self.status = replace(self.status, **values)  # type: ignore[arg-type]
            try:
                self._write()
                self._failed = False
            except OSError as error:
                # What it is for goes on; the next one may be written again.
                if not self._failed:
                    log.warning("the status cannot be written", reason=str(error))
                self._failed = True

    def _write(self) -> None:
        fresh = self._file.with_name(f"{FILE}.new")
        text = json.dumps(asdict(self.status), default=datetime.isoformat)
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self._file)


def _now() -> datetime:
    return datetime.now(UTC)
