import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from cloudhands.common import settings
from cloudhands.common.testing import directories, people, slapd
from cloudhands.common.testing.fixtures import require_slapd
from cloudhands.web.index import sync
from cloudhands.web.index.decode import Entry
from cloudhands.web.index.engine import Position

COUNT = 40


class Memory:
    """An index in memory: as the real one to those who write it."""

    def __init__(self) -> None:
        self.held: dict[str, Entry] = {}
        self.stands: Position | None = None
        # Of each commit: how many were put and removed; -1 for everybody.
        self.commits: list[tuple[int, int]] = []

    def position(self) -> Position | None:
        return self.stands

    def people(self) -> int:
        return len(self.held)

    def ids(self) -> frozenset[str]:
        return frozenset(self.held)

    def change(self, put: Iterable[Entry], remove: Collection[str], position: Position) -> None:
        put = list(put)
        self.commits.append((len(put), len(remove)))
        for identifier in remove:
            self.held.pop(identifier, None)
        self.held.update((entry.person.id, entry) for entry in put)
        self.stands = position

    def replace(self, entries: Iterable[Entry], position: Position) -> None:
        held = {entry.person.id: entry for entry in entries}
        self.commits.append((len(held), -1))
        self.held, self.stands = held, position

    def uids(self) -> set[str]:
        return {entry.person.uid for entry in self.held.values()}


@pytest.fixture
def memory() -> Memory:
    return Memory()


class Site:
    """A directory, an index, and the settings that bring them together."""

    def __init__(self, server: slapd.Slapd, folder: Path, index: Memory, **more: Any) -> None:
        self.server = server
        self.folder = folder
        self.index = index
        self.source = self.settings(**more)

    def settings(self, **more: Any) -> settings.Directory:
        usual = directories.settings_for(self.server.url).model_dump(exclude_unset=True)
        return settings.Directory.model_validate(usual | {"timeout": 2} | more)

    def once(self, **more: Any) -> Position:
        return sync.once(self.index, self.source, self.folder, **more)  # type: ignore[arg-type]

    def uids(self) -> set[str]:
        """Of the people in the directory."""
        with self.server.administrator() as administrator:
            administrator.search(people.BASE, "(uid=*)", attributes=["uid"])
            return {str(entry["attributes"]["uid"][0]) for entry in administrator.response}

    @contextmanager
    def following(self, interval: float = 60, **more: Any) -> Iterator[None]:
        """A follower in a thread; it has to stop when the block is left, within a second."""
        stopping = threading.Event()

        def follow() -> None:
            sync.follow(
                self.index,  # type: ignore[arg-type]
                self.source,
                self.folder,
                stopping,
                interval,
                **more,
            )

        thread = threading.Thread(target=follow)
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join(1)
            assert not thread.is_alive()


Sites = Callable[..., AbstractContextManager[Site]]


@pytest.fixture
def site_with(tmp_path: Path, memory: Memory) -> Sites:
    """Makes a site of `COUNT` people: what the server offers, and settings."""
    require_slapd()

    @contextmanager
    def made(setup: slapd.Setup, count: int = COUNT, **more: Any) -> Iterator[Site]:
        with slapd.running_with(tmp_path / "slapd", people.make(count), setup) as server:
            yield Site(server, tmp_path, memory, **more)

    return made


@pytest.fixture
def site(site_with: Sites) -> Iterator[Site]:
    """Of a server with syncprov that remembers no deletions."""
    with site_with(slapd.Setup(syncprov=True, unpaged=None)) as made:
        yield made
