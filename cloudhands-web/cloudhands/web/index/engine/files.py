"""tantivy's writer of one set of files, in our words: people put and removed, then a commit.

Its errors become `IndexUnavailable`, which says what to do; those of whoever hands the people over
pass through as they are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import structlog
import tantivy

from cloudhands.common.errors import IndexUnavailable
from cloudhands.web.index import documents
from cloudhands.web.index.decode import Entry
from cloudhands.web.index.engine import schema
from cloudhands.web.index.engine.damage import is_panic
from cloudhands.web.index.engine.place import share
from cloudhands.web.index.engine.schema import ABOUT, THE_INDEX, State

# tantivy keeps no term that is longer, so that nobody could be removed again.
LONGEST_ID_BYTES = 1_000

log = structlog.get_logger(__name__)


def can_be_looked_up(identifier: str) -> bool:
    """Whether somebody of this identifier could be found, and so removed, again."""
    return len(identifier.encode("utf-8", "replace")) <= LONGEST_ID_BYTES


class Files:
    """A set of files, written during a `with` block; what is not committed at its end is gone.

    tantivy merges files in threads, whenever it likes. They end with the block: afterwards nothing
    changes by itself, and at rest nothing is held.

    :param path: the set of files; an empty folder for a new one.
    :param heap: bytes of memory that people are gathered in before they are written.
    :raises IndexUnavailable: if it cannot be opened.
    """

    def __init__(self, path: Path, heap: int) -> None:
        self._path = path
        with self._explained():
            index = tantivy.Index(schema.SCHEMA, path=str(path))
            # One thread: documents that are put together stay together.
            self._writer = index.writer(heap_size=heap, num_threads=1)

    def put(self, entry: Entry, *, again: bool = True) -> bool:
        """Put a person, in place of who has the same identifier; whether that is possible.

        :param again: whether there may be somebody of this identifier.
        """
        identifier = entry.person.id
        if not can_be_looked_up(identifier):
            log.warning("left out: the identifier is too long", id=identifier[:100])
            return False
        with self._explained():
            if again:
                self._writer.delete_documents_by_term(documents.ID, identifier)
            self._writer.add_document(documents.document(entry))
        return True

    def remove(self, identifier: str) -> None:
        """Remove whoever has this identifier."""
        with self._explained():
            self._writer.delete_documents_by_term(documents.ID, identifier)

    def commit(self, state: State) -> None:
        """Make what was put and removed what readers see, with what is said of the index itself."""
        with self._explained():
            self._writer.delete_documents_by_term(ABOUT, THE_INDEX)
            self._writer.add_document(schema.about(state))
            self._writer.commit()
            share(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Wait until tantivy has merged what it wants to, and get its lock and memory back."""
        try:
            with self._explained():
                self._writer.wait_merging_threads()
                share(self._path)
        except IndexUnavailable as trouble:
            # What was committed is there all the same, in more files than need be.
            log.warning("files are not merged", reason=str(trouble))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            if isinstance(error, ValueError | OSError) or is_panic(error):
                raise IndexUnavailable(
                    f"the index of people cannot be written at {self._path}: {error}. "
                    "What was committed stays. Free space or give rights there: it is tried again"
                ) from error
            raise
