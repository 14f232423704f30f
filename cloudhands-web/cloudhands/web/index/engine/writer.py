"""The only writer of the index: changes in one commit, or everything anew beside what is served."""

import secrets
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import structlog
import tantivy

from cloudhands.common.errors import IndexUnavailable
from cloudhands.web.index import documents
from cloudhands.web.index.decode import Entry
from cloudhands.web.index.engine import contact, damage, schema
from cloudhands.web.index.engine.files import Files, can_be_looked_up
from cloudhands.web.index.engine.place import Place, location, share
from cloudhands.web.index.engine.position import Position
from cloudhands.web.index.engine.schema import State

CHANGE_HEAP = 32_000_000
# Few large segments are quicker to search than many small ones.
BUILD_HEAP = 256_000_000
# Of so many identifiers it is quicker to read all that there are than to ask for each.
MANY = 5_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Commit:
    """What a commit did.

    :param put: how many people were put or replaced.
    :param removed: how many identifiers were asked to be removed.
    :param people: how many there are now.
    :param seconds: how long it took.
    :param anew: whether everything was built anew.
    """

    put: int
    removed: int
    people: int
    seconds: float
    anew: bool


Told = Callable[[Commit], None]


@dataclass(frozen=True)
class _Served:
    """The set of files that readers see, as of its last commit."""

    path: Path
    searcher: tantivy.Searcher
    state: State


class Writer:
    """The only writer of an index, for one thread; `writer` makes it."""

    def __init__(self, place: Place, stamp: str, *, anew: bool, told: Told) -> None:
        self._place = place
        self._stamp = stamp
        self._told = told
        self._served = self._look()
        self._is_stale = anew or (self._served is not None and self._served.state.stamp != stamp)
        if self._is_stale and not anew:
            log.info("other rules than before: the index is made anew", path=str(place.path))

    def position(self) -> Position | None:
        """Of the last commit; None if everybody has to be read anew."""
        if self._served is None or self._is_stale:
            return None
        return self._served.state.position

    def forget(self) -> None:
        """Have no position: everybody has to be read anew. What is served stays until then."""
        self._is_stale = True

    def people(self) -> int:
        """How many people readers find."""
        return self._served.searcher.num_docs - 1 if self._served else 0

    def ids(self) -> frozenset[str]:
        """The identifiers of all people whom readers find; takes 0.2 s for 100,000 people."""
        if self._served is None:
            return frozenset()
        searcher = self._served.searcher
        # Without the query also people would be in it who were removed.
        found = searcher.terms_with_prefix(documents.ID, "", tantivy.Query.all_query())
        return frozenset(identifier for identifier, _ in found)

    def known(self, identifiers: Collection[str]) -> frozenset[str]:
        """Those of some identifiers under which readers find somebody."""
        if len(identifiers) > MANY:
            return self.ids().intersection(identifiers)
        return frozenset(filter(self._finds, identifiers))

    def _finds(self, identifier: str) -> bool:
        if self._served is None or not can_be_looked_up(identifier):
            return False
        query = schema.exactly(documents.ID, identifier)
        return bool(self._served.searcher.search(query, 1, count=False).hits)

    def change(self, put: Iterable[Entry], remove: Collection[str], position: Position) -> None:
        """Put or replace people and remove others, in one commit with the position.

        Who is removed and put is there afterwards. Where nothing changes but the time, nothing is
        committed: it is noted beside.

        :param put: people, by their identifiers.
        :param remove: identifiers; unknown ones do no harm.
        :raises IndexUnavailable: if it cannot be written; what was committed stays.
        """
        if self._served is None:
            self.replace(put, position)
            return
        if self._is_stale:
            raise ValueError("the index is of other rules: its people have to be replaced")
        put = list(put)
        before = self._served.state.position
        if not put and not remove and replace(position, synced=before.synced) == before:
            self._note(self._served.path, position)
            return
        started = time.monotonic()
        self._commit(self._served.path, put, remove, position)
        self._tell(started, len(put), len(remove), anew=False)

    def _note(self, path: Path, position: Position) -> None:
        try:
            contact.note(path, position.synced)
        except OSError as error:
            raise _not_writable(path, error) from error

    def _commit(
        self, path: Path, put: Iterable[Entry], remove: Collection[str], position: Position
    ) -> None:
        try:
            with Files(path, CHANGE_HEAP) as files:
                for identifier in remove:
                    files.remove(identifier)
                for entry in put:
                    files.put(entry)
                files.commit(self._state(position))
            self._served = _read(path)
        except BaseException:
            # Nobody knows how far it came: the disk does.
            self._served = self._look()
            raise

    def replace(self, entries: Iterable[Entry], position: Position) -> None:
        """Make these the only people: built in new files, switched to when they are on the disk.

        Whatever happens before leaves readers and this writer with what was. Of several entries of
        one identifier the last one counts.

        :param entries: may raise; then nothing is changed.
        :raises IndexUnavailable: if they cannot be written.
        """
        started = time.monotonic()
        path = self._begin()
        try:
            put = self._build(path, entries, position)
            served = _read(path)
            self._switch(path)
        except BaseException:
            if self._place.served() != path:
                shutil.rmtree(path, ignore_errors=True)
            else:
                # Readers have it already; that the switch is on the disk is all that is not sure.
                self._served = self._look()
            raise
        before, self._served, self._is_stale = self._served, served, False
        if before is not None:
            shutil.rmtree(before.path, ignore_errors=True)
        # Also files that could not be opened.
        self._place.clean()
        self._tell(started, put, 0, anew=True)

    def _begin(self) -> Path:
        try:
            return self._place.begin()
        except OSError as error:
            raise _not_writable(self._place.path, error) from error

    def _switch(self, path: Path) -> None:
        try:
            self._place.switch(path)
        except OSError as error:
            raise _not_writable(self._place.path, error) from error

    def _build(self, path: Path, entries: Iterable[Entry], position: Position) -> int:
        seen: set[str] = set()
        with Files(path, BUILD_HEAP) as files:
            for entry in entries:
                known = entry.person.id in seen
                if files.put(entry, again=known):
                    seen.add(entry.person.id)
            files.commit(self._state(position))
        return len(seen)

    def _state(self, position: Position) -> State:
        return State(position, self._stamp, secrets.token_hex(12))

    def _tell(self, started: float, put: int, removed: int, *, anew: bool) -> None:
        seconds = time.monotonic() - started
        self._told(Commit(put, removed, self.people(), seconds, anew))

    def _look(self) -> _Served | None:
        """What is served; None if nothing is, or it is damaged."""
        path = self._place.served()
        if path is None:
            return None
        try:
            damage.check(path)
            damage.clean(path)
            # A writer that was killed may have left its last commit to itself alone.
            share(path)
            return _read(path)
        except BaseException as error:
            if not (isinstance(error, ValueError | OSError) or damage.is_panic(error)):
                raise
            log.error("the index is damaged and is made anew", path=str(path), reason=str(error))
            return None


def _read(path: Path) -> _Served:
    index = tantivy.Index.open(str(path))
    searcher = index.searcher()
    return _Served(path, searcher, schema.state_of(searcher))


def _not_writable(path: Path, error: OSError) -> IndexUnavailable:
    return IndexUnavailable(
        f"the index of people cannot be written at {path}: {error.strerror}. What was committed "
        "stays. Free space or give rights there: it is tried again"
    )


@contextmanager
def writer(
    folder: Path, stamp: str = "", *, anew: bool = False, told: Told = lambda commit: None
) -> Iterator[Writer]:
    """Hold the index for writing during a `with` block; it is made if there is none.

    :param folder: the index's folder of the settings.
    :param stamp: by which rules (`stamp_of`); what was made by others has no position.
    :param anew: whether what is there has no position either.
    :param told: called after each commit.
    :raises ConfigurationError: if another process writes it, or the folder cannot be used.
    """
    place = Place(location(folder))
    with place.held():
        place.clean()
        yield Writer(place, stamp, anew=anew, told=told)
