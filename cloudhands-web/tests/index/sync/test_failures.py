"""What may go wrong between a directory and the index, against a real server."""

import copy
import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import CapturingLogger

from cloudhands.common.errors import DirectoryError
from cloudhands.common.testing import certificates, people, slapd
from cloudhands.common.testing.ports import LOOPBACK, free_port
from cloudhands.web.index import sync
from cloudhands.web.index.sync import controls, operation, session
from cloudhands.web.index.sync.controls import Mode

Site = Any
Sites = Any
Proxy = Any

PEOPLE = people.make(41)
UNLIMITED = slapd.Setup(syncprov=True, unpaged=None)
PROTOCOLS = ["persist", "refresh", "changes", "full"]


# --- a server that dies, and comes back ---------------------------------------------------------


def passed_by_one_sync(site: Site, proxy: Proxy) -> int:
    """How many bytes the next sync takes; the index is left as it was."""
    index = site.index
    site.index = copy.deepcopy(index)
    before = proxy.passed
    site.once()
    site.index = index
    return int(proxy.passed - before)


@pytest.mark.parametrize("asked", PROTOCOLS)
def test_a_server_that_dies_in_the_first_read(site: Site, proxy: Proxy, asked: str) -> None:
    site.source = site.settings(sync=asked, page_size=7, url=proxy.url)
    proxy.most = proxy.passed + passed_by_one_sync(site, proxy) * 3 // 2
    with pytest.raises(DirectoryError):
        site.once()
    assert site.index.commits == []
    site.server.start()
    site.once()
    assert site.agrees()


def test_a_server_that_dies_in_a_refresh(
    site: Site, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operation, "BATCH", 3)
    site.source = site.settings(url=proxy.url)
    before = site.once()
    site.server.delete(*(entry.dn for entry in PEOPLE[10:14]))
    for entry in PEOPLE[20:40]:
        site.server.modify(entry.dn, {"cn": ["Changed"]})
    proxy.most = proxy.passed + passed_by_one_sync(site, proxy) * 8 // 5
    with pytest.raises(DirectoryError):
        site.once()
    # What was added or changed is there in part, nobody is gone, and the old cookie counts.
    assert 0 < sum(person.name == "Changed" for person in site.index.shows().values()) < 20
    assert len(site.index.held) == 40
    assert site.index.position() == before
    site.server.start()
    site.server.add(PEOPLE[40])
    site.once()
    assert site.agrees()
    assert site.index.reads() == 1


@pytest.mark.parametrize("has_position", [True, False])
def test_a_server_that_was_killed_leaves_people_out(site: Site, has_position: bool) -> None:
    """slapd forgets how far it was, and leaves who has changed since out of every sync."""
    if has_position:
        site.once()
    site.server.delete(PEOPLE[10].dn)
    for entry in PEOPLE[20:23]:
        site.server.modify(entry.dn, {"cn": ["Changed"]})
    site.server.kill()
    site.server.start()
    assert site.once().protocol == "changes"
    assert site.agrees()
    site.server.add(PEOPLE[40])
    assert site.once().protocol == "refresh"
    assert site.agrees()


@pytest.mark.usefixtures("impatient")
def test_a_server_that_is_killed_and_comes_back(site: Site) -> None:
    told: list[sync.Contact] = []
    with site.following(seen=told.append):
        site.wait()
        for number in range(3):
            site.server.kill()
            site.server.start()
            site.server.delete(PEOPLE[10 + number].dn)
            site.server.modify(PEOPLE[20 + number].dn, {"cn": ["Changed"]})
            site.wait()
    assert site.index.reads() <= 2
    assert any(contact.error and not contact.server for contact in told)
    assert told[-2].error == ""


def test_a_server_that_was_away_while_much_happened(site: Site) -> None:
    site.once()
    site.server.restart()
    site.server.delete(*(entry.dn for entry in PEOPLE[10:14]))
    site.server.rename(PEOPLE[2].dn, "uid=renamed")
    site.server.restart()
    site.once()
    assert site.agrees()
    assert site.index.reads() == 1


@pytest.mark.parametrize("asked", PROTOCOLS)
def test_a_silent_server(site: Site, asked: str) -> None:
    site.source = site.settings(sync=asked, timeout=0.3)
    site.once()
    held = dict(site.index.held)
    site.server.process.popen.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(DirectoryError):
            site.once()
        # It has to stop within a second all the same.
        site.source = site.settings(sync=asked, timeout=60)
        with site.following():
            pass
    finally:
        site.server.process.popen.send_signal(signal.SIGCONT)
    assert site.index.held == held


@pytest.mark.parametrize("asked", PROTOCOLS)
def test_a_connection_that_dies_in_a_read(site: Site, proxy: Proxy, asked: str) -> None:
    site.source = site.settings(sync=asked, page_size=7, url=proxy.url, timeout=0.5)
    most = passed_by_one_sync(site, proxy) // 2
    proxy.goes_quiet = True
    proxy.most = proxy.passed + most
    with pytest.raises(DirectoryError, match="said nothing"):
        site.once()
    # It has to stop within a second, however long an answer is waited for.
    site.source = site.settings(sync=asked, page_size=7, url=proxy.url, timeout=60)
    proxy.most = proxy.passed + most
    with site.following():
        site.wait(lambda: proxy.most is None)
    assert site.index.commits == []
    site.once()
    assert site.agrees()


def test_a_connection_that_dies_without_a_word(site: Site, proxy: Proxy) -> None:
    """As where a router forgets it: what happens meanwhile is not told, and nothing is wrong."""
    site.source = site.settings(url=proxy.url)
    with site.following(interval=0.3):
        site.wait()
        proxy.swallow()
        site.server.add(PEOPLE[40])
        site.wait()
    assert site.index.reads() == 1


# --- positions that are of no use ---------------------------------------------------------------


def spoilt(cookie: bytes, **changed: object) -> bytes:
    return json.dumps({**json.loads(cookie), **changed}).encode()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda _: b"\xff not JSON",
        lambda _: b"[]",
        lambda cookie: spoilt(cookie, mark=""),
        lambda cookie: spoilt(cookie, mark=7),
        lambda cookie: spoilt(cookie, mark="this is no cookie of this server's"),
        lambda cookie: spoilt(cookie, mark="rid=000,csn=nonsense"),
        lambda cookie: spoilt(cookie, mark="rid=000,csn=20990101000000.000000Z#000000#000#000000"),
        lambda cookie: spoilt(cookie, mark="rid=000,csn=20200101000000.000000Z#000000#007#000000"),
        lambda cookie: spoilt(cookie, read="2020-01-01T00:00:00+00:00"),
        lambda cookie: spoilt(cookie, read="2099-01-01T00:00:00+00:00"),
        lambda cookie: spoilt(cookie, read="2099-01-01"),
    ],
)
@pytest.mark.parametrize("asked", ["persist", "changes"])
def test_a_cookie_that_is_of_no_use(
    copied: Site, asked: str, spoil: Callable[[bytes], bytes]
) -> None:
    site = copied
    site.source = site.settings(sync=asked)
    position = site.once()
    gone, other = list(site.index.held)[:2]
    site.index.held["nobody"] = site.index.held.pop(gone)
    site.index.held[other] = replace(site.index.held[other], terms=())
    site.index.stands = replace(position, cookie=spoil(position.cookie))
    site.once()
    assert site.agrees()
    assert site.index.reads() == 2


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, certificate: certificates.Certificate
) -> Iterator[slapd.Slapd]:
    setup = replace(UNLIMITED, tls=certificate)
    folder = tmp_path_factory.mktemp("shared")
    with slapd.running_with(folder / "slapd", people.make(40), setup) as server:
        yield server


@pytest.fixture
def copied(site_of: Callable[[slapd.Slapd], Site], shared: slapd.Slapd) -> Site:
    """Of a server that no test may change."""
    return site_of(shared)


@pytest.mark.parametrize("asked", ["auto", "refresh", "changes", "full"])
def test_a_server_that_was_restored_from_a_backup(site: Site, tmp_path: Path, asked: str) -> None:
    site.source = site.settings(sync=asked)
    backup = site.server.dump(tmp_path / "backup.ldif")
    site.server.delete(PEOPLE[10].dn)
    site.server.modify(PEOPLE[2].dn, {"cn": ["Undone"]})
    site.server.add(PEOPLE[40])
    site.once()
    assert site.agrees()
    site.server.stop()
    site.server.restore(backup)
    site.server.start()
    site.once()
    if asked == "changes":
        # Time stamps cannot tell; what is left to be seen is, with the next sweep.
        site.index.stands = replace(
            site.index.stands, cookie=spoilt(site.index.stands.cookie, swept=None)
        )
        site.once()
    assert site.agrees()


def test_a_server_that_was_restored_and_went_on(site: Site, tmp_path: Path) -> None:
    """Nothing shows it; it heals when everything is read afresh."""
    backup = site.server.dump(tmp_path / "backup.ldif")
    site.server.modify(PEOPLE[2].dn, {"cn": ["Undone"]})
    position = site.once()
    site.server.stop()
    site.server.restore(backup)
    site.server.start()
    site.server.add(PEOPLE[40])
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    site.index.stands = replace(position, cookie=spoilt(position.cookie, read=yesterday))
    site.once()
    assert site.agrees()


# --- what a server refuses ----------------------------------------------------------------------


def test_a_server_that_limits_what_one_search_brings(site_with: Sites) -> None:
    setup = slapd.Setup(syncprov=True, unpaged=10)
    with site_with(setup) as site:
        assert site.once().protocol == "changes"
        assert site.agrees()
        site.source = site.settings(sync="refresh")
        with pytest.raises(DirectoryError, match="must not be limited"):
            site.once()


@pytest.mark.parametrize(("unpaged", "is_enough"), [(None, True), (39, False)])
def test_a_server_without_pages(
    site_with: Sites, monkeypatch: pytest.MonkeyPatch, unpaged: int | None, is_enough: bool
) -> None:
    without = slapd.CONFIGURATION.replace("size.prtotal=unlimited", "size.prtotal=disabled")
    monkeypatch.setattr(slapd, "CONFIGURATION", without)
    with site_with(slapd.Setup(unpaged=unpaged), page_size=7) as site:
        if is_enough:
            site.once()
            assert site.agrees()
        else:
            # What is cut short is not the whole.
            with pytest.raises(DirectoryError, match="sizeLimitExceeded"):
                site.once()
            assert site.index.commits == []


def test_a_server_that_does_not_persist_is_not_asked_all_the_time(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = controls.request
    monkeypatch.setattr(controls, "request", lambda _, cookie: ask(Mode.REFRESH_ONLY, cookie))
    told: list[sync.Contact] = []
    with site.following(seen=told.append):
        site.wait()
        site.server.add(PEOPLE[40])
        site.wait()
    connections = {contact.since for contact in told if contact.since}
    assert 1 < len(connections) < 4


def test_a_directory_that_is_down(site: Site) -> None:
    site.source = site.settings(url=f"ldap://{LOOPBACK}:{free_port()}")
    with pytest.raises(DirectoryError):
        site.once()
    told: list[sync.Contact] = []
    with site.following(seen=told.append):
        site.wait(lambda: bool(told))
    assert "cannot answer" in told[-1].error


# --- another server -----------------------------------------------------------------------------


@pytest.mark.usefixtures("impatient")
def test_another_server_with_the_same_people(
    site_with: Sites,
    site_of: Callable[[slapd.Slapd], Site],
    certificate: certificates.Certificate,
    tmp_path: Path,
) -> None:
    with site_with(UNLIMITED) as site:
        setup = replace(UNLIMITED, consumer_of=site.server.url, tls=certificate)
        with slapd.running_with(tmp_path / "copy", [], setup) as second:
            other = site_of(second)
            site.source = site.settings(other_urls=[second.url])
            with site.following():
                site.wait()
                assert site.index.position().server == site.server.url
                site.server.add(PEOPLE[40])
                site.wait()
                second.process.wait_until(other.agrees, 10)
                site.server.kill()
                second.process.wait_until(lambda: site.index.position().server == second.url, 10)
                assert site.index.shows() == other.people()
            # The other one's cookie was taken.
            assert site.index.reads() == 1


# --- nobody to show ------------------------------------------------------------------------------


def test_a_directory_of_nobody(site_with: Sites) -> None:
    with site_with(UNLIMITED, people="(objectClass=device)") as site:
        assert site.once().protocol == "refresh"
        assert site.index.held == {}


def test_people_of_whom_none_can_be_shown_are_worth_a_word(
    copied: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(session, "log", log)
    copied.source = copied.settings(attributes={"id": "carLicense"})
    copied.once()
    assert copied.index.held == {}
    (call,) = log.calls
    assert "directory.attributes" in call.args[0]
    assert call.kwargs == {"read": 40}
