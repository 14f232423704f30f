"""The last commit, for any number of threads and processes, which need no right but to read.

tantivy opens files only where it may lock them, against their removal meanwhile. A reader therefore
opens them through links in a folder of its own, for a moment, and where they went away meanwhile it
begins again with the next commit: it keeps nobody from anything, and nothing of it can be torn.
"""

import os
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
import tantivy

from cloudhands.common.errors import IndexUnavailable
from cloudhands.web.index import documents
from cloudhands.web.index.decode import Entry
from cloudhands.web.index.engine import contact, schema
from cloudhands.web.index.engine.damage import is_panic
from cloudhands.web.index.engine.place import META, Place, location
from cloudhands.web.index.engine.position import Position

# A commit takes longer than to open one: only a writer that does nothing else could outrun it.
ATTEMPTS = 100
# The folder of links is removed so often, if need be, and so many seconds apart.
REMOVALS, REMOVAL_SECONDS = 50, 0.001
# Where the folder of links costs nothing on a disk.
IN_MEMORY = Path("/dev/shm")
# What could not be opened is tried again when it is another, or after so long.
RETRY_SECONDS = 0.1

Signature = tuple[int, int, int]

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """One commit, which nothing changes any more.

    :param searcher: reads it.
    :param position: how far the directory had been read.
    :param revision: another one for every commit, whatever the clock did; of this host alone.
    :param path: the set of files that it is of; they may be gone.
    """

    searcher: tantivy.Searcher
    position: Position
    revision: str
    path: Path

    @property
    def synced(self) -> datetime:
        """When its people were last known to be those of the directory, UTC."""
        noted = contact.noted(self.path)
        return max(self.position.synced, noted) if noted else self.position.synced

    @property
    def people(self) -> int:
        """How many people it holds."""
        return self.searcher.num_docs - 1

    def entries(self, query: tantivy.Query, limit: int) -> list[Entry]:
        """Those who match, by their place; if there are too many, the first ones.

        :raises IndexUnavailable: if the files turn out to be damaged.
        """
        try:
            return documents.matching(self.searcher, query, limit)
        except BaseException as error:
            if is_panic(error):
                raise _unreadable(self.path, error) from error
            raise


class _Opened:
    """A snapshot, and the open file that it was told by.

    As long as that is open, no other file has its number: the number alone tells a later commit.
    """

    def __init__(self, snapshot: Snapshot, descriptor: int) -> None:
        self.snapshot = snapshot
        weakref.finalize(self, os.close, descriptor)
        self.signature = _signature(os.fstat(descriptor))


@dataclass(frozen=True)
class _Trouble:
    """Why the last commit could not be opened, and until when it is not tried again."""

    seen: Signature | None
    until: float
    why: str


class Reader:
    """The last commit, for any number of threads. It never changes the index.

    At rest a look at one file's status is all that it costs to know that there is no other commit.

    :param folder: the index's folder of the settings.
    """

    def __init__(self, folder: Path) -> None:
        self._place = Place(location(folder.absolute()))
        self._meta = self._place.meta
        self._lock = threading.Lock()
        self._opened: _Opened | None = None
        self._trouble: _Trouble | None = None

    def snapshot(self) -> Snapshot:
        """The last good commit.

        :raises IndexUnavailable: if there has been none, or it cannot be read.
        """
        with self._lock:
            seen = _signature_of(self._meta)
            if self._opened is None or self._opened.signature != seen:
                self._opened = self._followed(seen)
            return self._opened.snapshot

    def _followed(self, seen: Signature | None) -> _Opened:
        if not self._is_known_trouble(seen):
            try:
                opened = _open(self._place)
            except IndexUnavailable as error:
                before, why = self._trouble, str(error)
                self._trouble = _Trouble(seen, time.monotonic() + RETRY_SECONDS, why)
                if self._opened is not None and not (before and before.seen == seen):
                    log.warning("the last good index is used", reason=why)
            else:
                self._trouble = None
                return opened
        if self._opened is None:
            raise IndexUnavailable(self._trouble.why if self._trouble else "")
        return self._opened

    def _is_known_trouble(self, seen: Signature | None) -> bool:
        known = self._trouble
        return known is not None and known.seen == seen and time.monotonic() < known.until


def _signature(status: os.stat_result) -> Signature:
    return status.st_dev, status.st_ino, status.st_mtime_ns


def _open(place: Place) -> _Opened:
    """The last commit, opened; once more if another one takes its files away meanwhile."""
    before = None
    for _ in range(ATTEMPTS):
        path = place.path
        try:
            path = place.served() or path
            if path == place.path:
                raise _never_synced(path)
            return _opened(path)
        except BaseException as error:
            if not (isinstance(error, ValueError | OSError) or is_panic(error)):
                raise
            seen = (path, _signature_of(path / META))
            # Twice the same: nothing took it away, it cannot be read.
            if seen == before:
                raise _unreadable(path, error) from error
            before = seen
    raise _unreadable(place.path, "it changes without an end")


def _signature_of(meta: Path) -> Signature | None:
    try:
        return _signature(meta.stat())
    except OSError:
        return None


def _opened(path: Path) -> _Opened:
    descriptor = os.open(path / META, os.O_RDONLY)
    try:
        snapshot = _snapshot(path, descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return _Opened(snapshot, descriptor)


@contextmanager
def _own_folder() -> Iterator[Path]:
    within = IN_MEMORY if os.access(IN_MEMORY, os.W_OK | os.X_OK) else None
    own = Path(tempfile.mkdtemp(prefix="cloudhands-index-", dir=within))
    try:
        yield own
    finally:
        # A thread of tantivy's looks for changes, and may put a lock there once more meanwhile.
        for _ in range(REMOVALS):
            shutil.rmtree(own, ignore_errors=True)
            if not own.exists():
                break
            time.sleep(REMOVAL_SECONDS)


def _snapshot(path: Path, descriptor: int) -> Snapshot:
    with _own_folder() as own:
        for file in path.iterdir():
            # Not the locks either, which begin with a dot.
            if not file.name.startswith((META, ".")):
                (own / file.name).symlink_to(file)
        with os.fdopen(descriptor, "rb", closefd=False) as meta:
            (own / META).write_bytes(meta.read())
        searcher = tantivy.Index.open(str(own)).searcher()
        state = schema.state_of(searcher)
    return Snapshot(searcher, state.position, state.revision, path)


def _never_synced(path: Path) -> IndexUnavailable:
    return IndexUnavailable(
        f"there is no index of people at {path} yet: cloud-index makes it, once it reaches the "
        "directory"
    )


def _unreadable(path: Path, error: BaseException | str) -> IndexUnavailable:
    return IndexUnavailable(
        f"the index of people {path} cannot be read: {error}. Readers must be allowed to read it; "
        "a damaged one is made anew when cloud-index is started again"
    )
