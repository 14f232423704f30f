import socket
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cloudhands.common import directory, settings
from cloudhands.common.person import Person
from cloudhands.common.testing import certificates, directories, people, slapd
from cloudhands.common.testing.fixtures import require_slapd
from cloudhands.common.testing.ports import LOOPBACK
from cloudhands.web.index import sync
from cloudhands.web.index.decode import Entry, decode
from cloudhands.web.index.engine import Position
from cloudhands.web.index.sync import waiting

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

    def forget(self) -> None:
        self.stands = None

    def people(self) -> int:
        return len(self.held)

    def ids(self) -> frozenset[str]:
        return frozenset(self.held)

    def known(self, identifiers: Collection[str]) -> frozenset[str]:
        return self.ids().intersection(identifiers)

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

    def shows(self) -> dict[str, Person]:
        return {identifier: entry.person for identifier, entry in self.held.items()}

    def reads(self) -> int:
        """How often everybody was read."""
        return sum(removed == -1 for _, removed in self.commits)

    def uids(self) -> set[str]:
        return {entry.person.uid for entry in self.held.values()}


@pytest.fixture
def memory() -> Memory:
    return Memory()


class Site:
    """A directory, an index, and the settings that bring them together."""

    def __init__(
        self, server: slapd.Slapd, ca_file: Path, folder: Path, index: Memory, **more: Any
    ) -> None:
        self.server = server
        self.ca_file = ca_file
        self.folder = folder
        self.index = index
        self.source = self.settings(**more)

    def settings(self, **more: Any) -> settings.Directory:
        usual = directories.settings_for(self.server.url).model_dump(exclude_unset=True)
        # Whatever is synced is encrypted, and the server verified.
        tls = {"start_tls": True, "ca_file": self.ca_file, "timeout": 2}
        return settings.Directory.model_validate(usual | tls | more)

    def once(self, **more: Any) -> Position:
        return sync.once(self.index, self.source, self.folder, **more)  # type: ignore[arg-type]

    def people(self) -> dict[str, Person]:
        """Those in the directory that the index should have."""
        names = self.source.attributes
        with self.server.administrator() as administrator:
            administrator.search(
                self.source.base, self.source.shown, attributes=directory.wanted(names)
            )
            items = administrator.response or ()
            found = (decode(item["raw_attributes"], names) for item in items)
            return {entry.person.id: entry.person for entry in found if entry}

    def agrees(self) -> bool:
        """Whether the index is what the directory is."""
        return self.index.shows() == self.people()

    def wait(self, until: Callable[[], bool] | None = None, limit: float = 10) -> None:
        """Until the index agrees, or something else holds."""
        self.server.process.wait_until(until or self.agrees, limit)

    def see(self, is_followed: bool) -> None:
        """Have the index become what the directory is, by a follower if there is one."""
        if is_followed:
            self.wait()
        else:
            self.once()

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


class Proxy:
    """Stands between an index and its server: counts what the server sends, and can fail.

    :ivar passed: bytes that have come from the server.
    :ivar most: after so many bytes no more come: the server is killed, or,
    :ivar goes_quiet: the connections stay open and bring nothing.
    """

    def __init__(self, server: slapd.Slapd) -> None:
        self.server = server
        self.passed = 0
        self.most: int | None = None
        self.goes_quiet = False
        self._swallowed: set[socket.socket] = set()
        self._open: set[socket.socket] = set()
        self._listening = socket.create_server((LOOPBACK, 0))
        self.url = f"ldap://{LOOPBACK}:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow(self) -> None:
        """From now on nothing comes through the connections that there are."""
        self._swallowed |= self._open

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for link in list(self._open):
            self._end(link)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near = self._listening.accept()[0]
                try:
                    far = socket.create_connection((LOOPBACK, self.server.port))
                except OSError:
                    near.close()
                    continue
                for link in (near, far):
                    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open |= {near, far}
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(*pair, pair[0] is far)).start()

    def _pump(self, source: socket.socket, to: socket.socket, counts: bool) -> None:
        with suppress(OSError):
            while data := source.recv(256):
                if source in self._swallowed:
                    continue
                if counts:
                    self.passed += len(data)
                    if self.most is not None and self.passed > self.most:
                        self.most = None
                        if self.goes_quiet:
                            self.swallow()
                            continue
                        self.server.kill()
                        break
                to.sendall(data)
        for link in (source, to):
            self._end(link)

    def _end(self, link: socket.socket) -> None:
        self._open.discard(link)
        with suppress(OSError):
            link.shutdown(socket.SHUT_RDWR)
        link.close()


@pytest.fixture
def proxy(site: Site) -> Iterator[Proxy]:
    """Between the site and its server."""
    made = Proxy(site.server)
    try:
        yield made
    finally:
        made.close()


Sites = Callable[..., AbstractContextManager[Site]]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> certificates.Certificate:
    return certificates.authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def certificate(
    authority: certificates.Certificate, tmp_path_factory: pytest.TempPathFactory
) -> certificates.Certificate:
    folder = tmp_path_factory.mktemp("certificate")
    return certificates.issued(authority, folder, f"IP:{LOOPBACK}")


@pytest.fixture
def site_with(
    tmp_path: Path,
    memory: Memory,
    authority: certificates.Certificate,
    certificate: certificates.Certificate,
) -> Sites:
    """Makes a site of `COUNT` people: what the server offers, and settings."""
    require_slapd()

    @contextmanager
    def made(setup: slapd.Setup, count: int = COUNT, **more: Any) -> Iterator[Site]:
        with slapd.running_with(
            tmp_path / "slapd", people.make(count), replace(setup, tls=certificate)
        ) as server:
            yield Site(server, authority.file, tmp_path, memory, **more)

    return made


@pytest.fixture
def site_of(
    tmp_path: Path, memory: Memory, authority: certificates.Certificate
) -> Callable[[slapd.Slapd], Site]:
    """Makes a site of a server."""
    return lambda server: Site(server, authority.file, tmp_path, memory)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Followers wait a tenth of what they usually do after a failure."""
    monkeypatch.setattr(waiting, "FIRST_RETRY", 0.1)


@pytest.fixture
def site(site_with: Sites) -> Iterator[Site]:
    """Of a server with syncprov that remembers no deletions."""
    with site_with(slapd.Setup(syncprov=True, unpaged=None)) as made:
        yield made
