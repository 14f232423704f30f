"""Which server of the directory is used, and that it is the right one."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloudhands.common import directory, settings
from cloudhands.common.directory import framing
from cloudhands.common.errors import DirectoryError
from cloudhands.common.testing import certificates, directories, people, slapd
from cloudhands.common.testing.directories import PASSWORD
from cloudhands.common.testing.fixtures import require_slapd
from cloudhands.common.testing.ports import LOOPBACK, free_port
from cloudhands.common.testing.programs import require


def changed(source: settings.Directory, **values: object) -> settings.Directory:
    return settings.Directory.model_validate({**source.model_dump(), **values})


def nowhere() -> str:
    return f"ldap://{LOOPBACK}:{free_port()}"


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[object]]]:
    """A server that does this with each connection; its URL, and who has connected."""
    seen: list[object] = []
    with socket.create_server((LOOPBACK, 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, address = server.accept()
                except OSError:
                    return
                seen.append(address)
                with connection:
                    answer(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"ldap://{LOOPBACK}:{server.getsockname()[1]}", seen
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def say_nothing(connection: socket.socket) -> None:
    while connection.recv(1000):
        pass


# --- verified


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> certificates.Certificate:
    require("openssl")
    return certificates.authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(
    authority: certificates.Certificate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[slapd.Slapd]:
    require_slapd()
    folder = tmp_path_factory.mktemp("slapd")
    made = certificates.issued(authority, folder, f"IP:{LOOPBACK}")
    entries = people.make(10, password=PASSWORD)
    with slapd.running_with(folder / "slapd", entries, slapd.Setup(tls=made)) as server:
        yield server


def by_start_tls(server: slapd.Slapd) -> settings.Directory:
    return changed(directories.settings_for(server.url), start_tls=True)


def by_ldaps(server: slapd.Slapd) -> settings.Directory:
    return directories.settings_for(server.ldaps_url)


@pytest.mark.parametrize("way", [by_start_tls, by_ldaps])
def test_verified_by_its_own_authority(
    server: slapd.Slapd,
    way: Callable[[slapd.Slapd], settings.Directory],
    authority: certificates.Certificate,
    tmp_path: Path,
) -> None:
    source = changed(way(server), ca_file=authority.file)
    assert directory.authenticate(source, tmp_path, "ghopper", PASSWORD) is not None
    with directory.connect(source, tmp_path) as connection:
        assert connection.socket.version().startswith("TLS")


@pytest.mark.parametrize("way", [by_start_tls, by_ldaps])
def test_another_authority_is_refused(
    server: slapd.Slapd, way: Callable[[slapd.Slapd], settings.Directory], tmp_path: Path
) -> None:
    source = changed(way(server), ca_file=certificates.authority(tmp_path).file)
    with pytest.raises(DirectoryError, match="CERTIFICATE_VERIFY_FAILED"):
        directory.authenticate(source, tmp_path, "ghopper", PASSWORD)


def test_an_authority_file_without_a_certificate(server: slapd.Slapd, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(DirectoryError, match=r"directory\.ca_file .*ca\.pem"):
        directory.authenticate(
            changed(by_ldaps(server), ca_file="ca.pem"), tmp_path, "ghopper", PASSWORD
        )


# --- the first that answers


def test_a_dead_first_server(server: slapd.Slapd, tmp_path: Path) -> None:
    source = changed(directories.settings_for(nowhere()), other_urls=[nowhere(), server.url])
    with directory.connect(source, tmp_path) as connection:
        assert connection.url == server.url
    assert directory.authenticate(source, tmp_path, "ghopper", PASSWORD) is not None


def test_a_first_server_that_says_nothing_is_not_waited_for_again(
    server: slapd.Slapd, tmp_path: Path
) -> None:
    with answering(say_nothing) as (url, seen):
        source = changed(directories.settings_for(url), other_urls=[server.url], timeout=0.2)
        for _ in range(3):
            with directory.connect(source, tmp_path) as connection:
                assert connection.url == server.url
        assert len(seen) == 1


def test_a_server_that_is_back_is_used_again(
    server: slapd.Slapd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudhands.common.directory.connection.SHUNNED_SECONDS", 0.0)
    first = nowhere()
    source = changed(directories.settings_for(first), other_urls=[server.url])
    with directory.connect(source, tmp_path) as connection:
        assert connection.url == server.url
    with (
        slapd.running_on(server.folder, int(first.rpartition(":")[2])),
        directory.connect(source, tmp_path) as connection,
    ):
        assert connection.url == first


def test_all_servers_dead(tmp_path: Path) -> None:
    urls = [nowhere(), nowhere()]
    source = changed(directories.settings_for(urls[0]), other_urls=urls[1:])
    with pytest.raises(DirectoryError, match="cannot answer") as caught:
        directory.authenticate(source, tmp_path, "ghopper", PASSWORD)
    assert all(url in str(caught.value) for url in urls)


def test_a_wrong_password_of_ours_is_not_tried_everywhere(
    server: slapd.Slapd, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("wrong")
    with answering(say_nothing) as (url, seen):
        source = changed(
            directories.settings_for(server.url),
            other_urls=[url],
            bind_dn=slapd.ADMIN_DN,
            password_file="password",
        )
        with pytest.raises(DirectoryError, match="invalidCredentials"):
            directory.authenticate(source, tmp_path, "ghopper", PASSWORD)
        assert not seen


def test_only_the_servers_that_are_named(server: slapd.Slapd, tmp_path: Path) -> None:
    source = changed(directories.settings_for(nowhere()), other_urls=[server.url])
    with (
        pytest.raises(DirectoryError),
        directory.connect(source, tmp_path, urls=[source.url]),
    ):
        raise AssertionError("nothing listens there")


def test_a_peer_that_vanishes_is_noticed(server: slapd.Slapd, tmp_path: Path) -> None:
    with directory.connect(directories.settings_for(server.url), tmp_path) as connection:
        link = connection.socket
        assert link.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert link.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert link.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30


# --- several places


def test_people_are_in_several_places(server: slapd.Slapd, tmp_path: Path) -> None:
    source = directories.settings_for(server.url)
    elsewhere = changed(source, base=f"uid=aturing,{people.PEOPLE}")
    assert directory.authenticate(elsewhere, tmp_path, "ghopper", PASSWORD) is None
    # One place is below the other: whoever is found twice is one person.
    both = changed(elsewhere, other_bases=[people.BASE])
    for uid in ("ghopper", "aturing"):
        assert directory.authenticate(both, tmp_path, uid, PASSWORD) is not None


# --- a server that means no good


def test_a_byte_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "ANSWER_SECONDS", 0.3)

    def answer(connection: socket.socket) -> None:
        try:
            connection.sendall(b"0\x7f")
            for _ in range(200):
                connection.sendall(b"\x04")
                time.sleep(0.01)
        except OSError:
            return

    with (
        answering(answer) as (url, _),
        pytest.raises(DirectoryError, match=r"timed out|whole"),
    ):
        directory.authenticate(directories.settings_for(url), tmp_path, "ghopper", PASSWORD)
