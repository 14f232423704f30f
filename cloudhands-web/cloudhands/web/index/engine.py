"""The index on disk: one writer, any number of readers, every change whole or not at all.

A document for each person, and one for the index itself, which says when the people were read;
both go in by the same commit. Terms are folded before they come here (`words`), so the index keeps
them as they are and needs no analyzer of its own, which each process would have to register again
after every opening.

The folder's name has the format's number: a release with another format builds its own beside it
and leaves the old one to the release that can read it.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
import tantivy

from cloudhands.common.errors import ConfigurationError, IndexUnavailable
from cloudhands.common.person import Person
from cloudhands.web.index.decode import Entry

FORMAT = 1
META = "meta.json"
HEAP_BYTES = 64_000_000

# The fields. ABOUT is set on the one document about the index itself, to THE_INDEX.
ID, UID, NAME, MAIL, TERMS, ABOUT, SYNCED = "id", "uid", "name", "mail", "terms", "about", "synced"
THE_INDEX = "index"

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Position:
    protocol: str
    cookie: bytes
    server: str
    synced: datetime


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    for name in (ID, TERMS, ABOUT):
        builder.add_text_field(name, stored=True, tokenizer_name="raw", index_option="basic")
    for name in (UID, NAME, MAIL):
        builder.add_text_field(name, stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_date_field(SYNCED, stored=True)
    return builder.build()


SCHEMA = _schema()


def location(folder: Path) -> Path:
    """Where the files of this format are, below the folder of the settings."""
    return folder / f"people-{FORMAT}"


def exactly(field: str, value: str) -> tantivy.Query:
    """A query for one term of a field."""
    return tantivy.Query.term_query(SCHEMA, field, value, "basic")


class Writer:
    """The only writer of an index; `writer` makes it."""

    def __init__(self, index: tantivy.Index, writer: tantivy.IndexWriter) -> None:
        self._index = index
        self._writer = writer

    def people(self) -> int:
        """How many people the last commit holds."""
        self._index.reload()
        return max(0, self._index.searcher().num_docs - 1)

    def replace(self, entries: Iterable[Entry], synced: datetime) -> None:
        """Make these the only people of the index: readers see all of them or what was before.

        :param synced: when they were read from the directory.
        :raises IndexUnavailable: if they cannot be written; the index stays as it was.
        """
        try:
            self._writer.delete_all_documents()
            for entry in entries:
                self._writer.add_document(_document(entry))
            self._writer.add_document(_about(synced))
            self._writer.commit()
        except (ValueError, OSError) as error:
            self._writer.rollback()
            raise IndexUnavailable(f"the index of people cannot be written: {error}") from error
        except BaseException:
            self._writer.rollback()
            raise


@contextmanager
def writer(folder: Path) -> Iterator[Writer]:
    """Hold the index for writing during a `with` block; it is made if there is none.

    :param folder: the index's folder of the settings.
    :raises ConfigurationError: if another process writes it, or it cannot be used.
    """
    path = location(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        index = tantivy.Index(SCHEMA, path=str(path))
        held = index.writer(heap_size=HEAP_BYTES, num_threads=1)
    except (ValueError, OSError) as error:
        raise ConfigurationError(_why_not_writable(path, error)) from error
    try:
        yield Writer(index, held)
    finally:
        # Gives the lock back; the object alone would keep it until it is collected.
        held.wait_merging_threads()


def _why_not_writable(path: Path, error: Exception) -> str:
    if "LockBusy" in str(error):
        return f"another cloud-index is writing {path}: stop that one first"
    return (
        f"the index {path} cannot be opened for writing: {error}. "
        "Let this user write there, or remove it: it is made again from the directory"
    )


def _document(entry: Entry) -> tantivy.Document:
    person = entry.person
    document = tantivy.Document()
    for field, value in ((ID, person.id), (UID, person.uid), (NAME, person.name)):
        document.add_text(field, value)
    document.add_text(MAIL, person.mail)
    for term in entry.terms:
        document.add_text(TERMS, term)
    return document


def _about(synced: datetime) -> tantivy.Document:
    document = tantivy.Document()
    document.add_text(ABOUT, THE_INDEX)
    document.add_date(SYNCED, synced)
    return document


def entry_of(document: tantivy.Document) -> Entry:
    """A person's document as the entry that it was made from."""
    fields = (str(document.get_first(field) or "") for field in (ID, UID, NAME, MAIL))
    return Entry(Person(*fields), tuple(document.get_all(TERMS)))


@dataclass(frozen=True)
class Snapshot:
    """One commit, which nothing changes any more.

    :param searcher: reads it.
    :param synced: when its people were read from the directory, UTC.
    :param revision: another one for every commit, whatever the clock did; of this host alone.
    """

    searcher: tantivy.Searcher
    synced: datetime
    revision: str

    def entries(self, query: tantivy.Query, limit: int) -> list[Entry]:
        """The best matches, best first."""
        hits = self.searcher.search(query, limit, count=False).hits
        return [entry_of(self.searcher.doc(address)) for _, address in hits]


class Reader:
    """The last commit, for any number of threads. It never changes the index.

    :param folder: the index's folder of the settings.
    """

    def __init__(self, folder: Path) -> None:
        self._path = location(folder)
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._last: Snapshot | None = None

    def snapshot(self) -> Snapshot:
        """The last good commit.

        :raises IndexUnavailable: if there has been none, or it cannot be read.
        """
        with self._lock:
            try:
                self._follow()
            except IndexUnavailable as error:
                if self._last is None:
                    raise
                log.warning("the last good index is used", reason=str(error))
            if self._last is None:
                raise _never_synced(self._path)
            return self._last

    def _follow(self) -> None:
        # Read before the index: a commit in between is then noticed the next time.
        seen = _signature(self._path)
        if seen != self._seen:
            self._last = _opened(self._path, seen) or self._last
            self._seen = seen


def _signature(path: Path) -> tuple[int, int]:
    try:
        status = (path / META).stat()
    except OSError as error:
        raise _never_synced(path) from error
    return status.st_ino, status.st_mtime_ns


def _opened(path: Path, signature: tuple[int, int]) -> Snapshot | None:
    """The snapshot of the last commit, or None if the index was made and nothing committed yet.

    The index is opened anew: reloading an open one would not follow a replaced folder.
    """
    try:
        index = tantivy.Index.open(str(path))
        searcher = index.searcher()
        hits = searcher.search(exactly(ABOUT, THE_INDEX), 1).hits
    except (ValueError, OSError) as error:
        raise IndexUnavailable(
            f"the index of people {path} cannot be read: {error}. Readers must be allowed to write "
            "its .tantivy-meta.lock: give the portal and cloud-index a common group"
        ) from error
    if not hits:
        return None
    # Stored as UTC, given back without a zone.
    synced = searcher.doc(hits[0][1]).get_first(SYNCED)
    revision = "-".join(map(str, signature))
    return Snapshot(searcher, synced.replace(tzinfo=UTC), revision) if synced else None


def _never_synced(path: Path) -> IndexUnavailable:
    return IndexUnavailable(
        f"there is no index of people at {path} yet: cloud-index makes it, once it reaches the "
        "directory"
    )
