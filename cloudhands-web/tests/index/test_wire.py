"""Our own reading of a search's answers: from a real server, and from one that means no good."""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ldap3.protocol.rfc2696 import paged_search_control

from cloudhands.common import directory, settings
from cloudhands.common.directory import framing
from cloudhands.common.errors import DirectoryError
from cloudhands.common.testing import certificates, directories, people, slapd
from cloudhands.common.testing.fixtures import require_slapd
from cloudhands.common.testing.ports import LOOPBACK
from cloudhands.common.testing.programs import require
from cloudhands.web.index import wire
from cloudhands.web.index.decode import decode

ATTRIBUTES = ("entryUUID", "uid", "cn", "mail", "jpegPhoto")
# RFC 4533: what there is, and then every change.
PERSIST = ("1.3.6.1.4.1.4203.1.9.1.1", True, bytes.fromhex("30030a0103"))


def changed(source: settings.Directory, **values: object) -> settings.Directory:
    return settings.Directory.model_validate({**source.model_dump(), **values})


def read(connection: directory.Connection, **options: object) -> list[object]:
    return list(wire.search(connection, people.BASE, "(uid=*)", ATTRIBUTES, **options))


# --- a real server


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[settings.Directory]:
    require_slapd()
    with slapd.running_with(tmp_path_factory.mktemp("slapd"), people.make(200)) as server:
        yield directories.settings_for(server.url)


@pytest.mark.parametrize("decoder", ["own", "ldap3"])
def test_everybody_comes_with_every_byte(
    source: settings.Directory, decoder: str, tmp_path: Path
) -> None:
    with directory.connect(changed(source, decoder=decoder), tmp_path) as connection:
        *entries, done = read(connection)
    assert done == wire.Done(0, "", {})
    expected = {entry.dn: entry.attributes for entry in people.make(200)}
    assert {entry.dn for entry in entries} == set(expected)
    for entry in entries:
        for name in ATTRIBUTES:
            wanted = [
                one.encode() if isinstance(one, str) else one
                for one in expected[entry.dn].get(name, [])
            ]
            assert sorted(entry.attributes.get(name, [])) == sorted(wanted)


def test_pages_one_after_the_other(source: settings.Directory, tmp_path: Path) -> None:
    with directory.connect(source, tmp_path) as connection:
        for _ in range(2):
            *entries, done = read(connection, controls=[paged_search_control(True, 50, None)])
            assert len(entries) == 50
            assert isinstance(done, wire.Done)
            assert set(done.controls) == {"1.2.840.113556.1.4.319"}
        # ldap3 goes on where we ended.
        assert connection.search(people.PEOPLE, "(uid=ghopper)")


def test_how_a_search_ended_is_told(source: settings.Directory, tmp_path: Path) -> None:
    with directory.connect(source, tmp_path) as connection:
        (done,) = wire.search(connection, "dc=elsewhere", "(uid=*)", ATTRIBUTES)
    assert done == wire.Done(32, "", {})


def test_a_filter_that_is_none(source: settings.Directory, tmp_path: Path) -> None:
    with directory.connect(source, tmp_path) as connection, pytest.raises(DirectoryError):
        list(wire.search(connection, people.BASE, "uid=*)(", ATTRIBUTES))


def test_who_leaves_early_leaves_a_closed_connection(
    source: settings.Directory, tmp_path: Path
) -> None:
    with directory.connect(source, tmp_path) as connection:
        answers = wire.search(connection, people.BASE, "(uid=*)", ATTRIBUTES)
        next(answers)
        answers.close()
        assert connection.closed
        with pytest.raises(DirectoryError):
            read(connection)


def test_a_lost_connection(own_slapd: slapd.Slapd, tmp_path: Path) -> None:
    with directory.connect(directories.settings_for(own_slapd.url), tmp_path) as connection:
        own_slapd.kill()
        with pytest.raises(DirectoryError, match="cannot answer"):
            read(connection)


def test_over_tls_it_comes_as_soon(tmp_path: Path) -> None:
    require_slapd()
    require("openssl")
    made = certificates.self_signed(tmp_path, f"IP:{LOOPBACK}")
    setup = slapd.Setup(tls=made, syncprov=True, unpaged=None)
    with slapd.running_with(tmp_path / "slapd", people.make(300), setup) as server:
        source = changed(directories.settings_for(server.ldaps_url), ca_file=made.file)
        with directory.connect(source, tmp_path) as connection:
            found = wire.search(
                *(connection, people.BASE, "(uid=*)", ATTRIBUTES),
                controls=[PERSIST],
                timeout=0.1,
            )
            # Nothing stays behind in what TLS has decrypted already.
            first = list(itertools.takewhile(lambda message: message is not None, found))
            assert sum(isinstance(message, wire.Entry) for message in first) == 300
            assert any(isinstance(message, wire.Info) for message in first)
            server.delete(people.make(2)[1].dn)
            gone = next(message for message in found if message is not None)
            assert isinstance(gone, wire.Entry)
            assert gone.dn == people.make(2)[1].dn
            found.close()


def test_hidden_and_disabled_people_are_not_read(own_slapd: slapd.Slapd, tmp_path: Path) -> None:
    hidden, disabled, locked_out = people.make(3)
    own_slapd.modify(hidden.dn, {"employeeType": ["secret"]})
    own_slapd.modify(disabled.dn, {"pwdAccountLockedTime": ["000001010000Z"]})
    own_slapd.modify(locked_out.dn, {"pwdAccountLockedTime": ["20300101120000Z"]})
    source = changed(directories.settings_for(own_slapd.url), hidden="(employeeType=secret)")
    with directory.connect(source, tmp_path) as connection:
        wanted = directory.wanted(source.attributes)
        *entries, _ = wire.search(connection, people.BASE, source.shown, wanted)
    found = {decode(entry.attributes, source.attributes) for entry in entries}
    uids = {entry.person.uid for entry in found if entry}
    assert uids == {one.one("uid") for one in people.make(200)} - {"ghopper", "aturing"}


# --- a server that means no good

Answer = Callable[[socket.socket, bytes], None]


@contextmanager
def hostile(answer: Answer) -> Iterator[settings.Directory]:
    """A server that takes a bind, and gives this answer to a search."""
    with socket.create_server((LOOPBACK, 0)) as server:

        def serve() -> None:
            link, _ = server.accept()
            with link:
                bound = b"a\x07\n\x01\0\x04\0\x04\0"
                link.sendall(whole(request(link), bound))
                answer(link, request(link))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield changed(
            directories.settings_for(f"ldap://{LOOPBACK}:{server.getsockname()[1]}"), timeout=0.5
        )
        thread.join(10)
        assert not thread.is_alive()


def request(link: socket.socket) -> bytes:
    """The number of the request that comes, encoded."""
    received = link.recv(10_000)
    at = 2 if received[1] < 128 else received[1] - 126
    return received[at : at + 2 + received[at + 1]]


def whole(number: bytes, operation: bytes) -> bytes:
    return bytes([framing.SEQUENCE, len(number) + len(operation)]) + number + operation


def test_none_comes_while_nothing_does(tmp_path: Path) -> None:
    more = threading.Event()

    def answer(link: socket.socket, number: bytes) -> None:
        info = whole(number, b"\x79\x03\x81\x01x")
        link.sendall(info[:5])
        more.wait(10)
        link.sendall(info[5:] + whole(number, b"\x65\x07\n\x01\0\x04\0\x04\0"))

    with hostile(answer) as source, directory.connect(source, tmp_path) as connection:
        found = []
        for message in wire.search(connection, people.BASE, "(uid=*)", (), timeout=0.02):
            found.append(message)
            if len(found) == 3:
                more.set()
    assert found[:3] == [None] * 3
    assert [one for one in found if one] == [wire.Info("", b"x"), wire.Done(0, "", {})]


def test_a_request_is_numbered_as_shortly_as_can_be(tmp_path: Path) -> None:
    asked = []

    def answer(link: socket.socket, number: bytes) -> None:
        asked.append(number)
        link.sendall(whole(number, b"\x65\x07\n\x01\0\x04\0\x04\0"))

    with hostile(answer) as source, directory.connect(source, tmp_path) as connection:
        read(connection)
    value = int.from_bytes(asked[0][2:], "big")
    assert asked[0][1] == value.bit_length() // 8 + 1


def test_references_are_counted(tmp_path: Path) -> None:
    def answer(link: socket.socket, number: bytes) -> None:
        reference = whole(number, b"\x73\x08\x04\x06ldap:/")
        link.sendall(reference * 3 + whole(number, b"\x65\x07\n\x01\0\x04\0\x04\0"))

    with hostile(answer) as source, directory.connect(source, tmp_path) as connection:
        assert read(connection) == [wire.Done(0, "", {}, references=3)]


# Sequences that each say that they go on to the end, whatever they are in.
BOMB = b"".join(bytes([0x30, 100 - 2 * number]) for number in range(50))


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "begins with 0x48"),
        (b"0\x80", "size of a message is not told"),
        (b"0\xff" + b"\xff" * 200, "size of a message is not told"),
        (b"0\x84\x7f\xff\xff\xff", "2,147,483,647 bytes"),
        (b"0\x88" + b"\xff" * 8, "bytes; 16,777,216 are the most"),
        (b"0\x0c\x02\x01\x00\x65\x07\n\x01\0\x04\0\x04\0", "answer to request 0"),
        (b"0\x0c\x02\x01\x00\x78\x07\n\x01\x34\x04\0\x04\0", "ends the connection"),
        (b"0\x07\x02\x01\x01\x61\x02\0\0", "does not answer a search"),
        (b"0\x66\x02\x01\x01\x64\x61" + BOMB[:97], "belongs"),
        (b"0\x20\x02\x01", "it has closed the connection"),
        (b"", "it has closed the connection"),
    ],
    ids=range(11),
)
def test_what_is_not_ldap(tmp_path: Path, sent: bytes, said: str) -> None:
    with (
        hostile(lambda link, _: link.sendall(sent)) as source,
        directory.connect(source, tmp_path) as connection,
        pytest.raises(DirectoryError, match=said),
    ):
        read(connection)


def test_silence(tmp_path: Path) -> None:
    over = threading.Event()
    with (
        hostile(lambda *_: over.wait(10) and None) as source,
        directory.connect(source, tmp_path) as connection,
    ):
        with pytest.raises(DirectoryError, match=r"says nothing for 0\.5 s"):
            read(connection)
        over.set()


def test_a_byte_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MESSAGE_SECONDS", 0.3)

    def answer(link: socket.socket, number: bytes) -> None:
        link.sendall(b"0\x7f")
        try:
            for _ in range(100):
                link.sendall(b"\x04")
                time.sleep(0.02)
        except OSError:
            return

    with (
        hostile(answer) as source,
        directory.connect(source, tmp_path) as connection,
        pytest.raises(DirectoryError, match="not come whole"),
    ):
        read(connection)
