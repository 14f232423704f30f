import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import ldap3
import pytest

from cloudhands.common import directory, settings
from cloudhands.common.directory import person
from cloudhands.common.directory.entry import LONGEST_TEXT
from cloudhands.common.errors import DirectoryError
from cloudhands.common.person import Person
from cloudhands.common.settings import Attributes
from cloudhands.common.testing import certificates, directories, people, slapd
from cloudhands.common.testing.directories import PASSWORD
from cloudhands.common.testing.fixtures import require_slapd
from cloudhands.common.testing.ports import LOOPBACK, free_port
from cloudhands.common.testing.programs import require

ENTRIES = people.make()
GRACE = people.named(ENTRIES, "ghopper")
NAMES = Attributes()


def no_mail() -> people.Entry:
    return next(entry for entry in ENTRIES if "mail" not in entry.attributes)


def changed(source: settings.Directory, **values: object) -> settings.Directory:
    return settings.Directory.model_validate({**source.model_dump(), **values})


# --- sign-in


def test_the_right_password(any_directory: settings.Directory, tmp_path: Path) -> None:
    found = directory.authenticate(any_directory, tmp_path, "ghopper", PASSWORD)
    identifier = GRACE.one("entryUUID")
    assert found == Person(identifier, "ghopper", "Grace Hopper", "ghopper@example.org")


def test_any_case_gives_the_directorys_own_uid(
    any_directory: settings.Directory, tmp_path: Path
) -> None:
    found = directory.authenticate(any_directory, tmp_path, "GHopper", PASSWORD)
    assert found is not None
    assert found.uid == "ghopper"


def test_an_entry_without_mail_signs_in(any_directory: settings.Directory, tmp_path: Path) -> None:
    uid = no_mail().one("uid")
    found = directory.authenticate(any_directory, tmp_path, uid, PASSWORD)
    assert found is not None
    assert (found.uid, found.mail) == (uid, "")


@pytest.mark.parametrize(
    ("uid", "password"),
    [
        ("ghopper", "wrong"),
        ("ghopper", PASSWORD.upper()),
        ("ghopper", ""),
        ("ghopper", "\0"),
        ("ghopper", PASSWORD + "\0"),
        ("ghopper", "\ud800"),
        ("ghopper", "x" * 100_000),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("*", PASSWORD),
        ("*)(uid=*", PASSWORD),
        ("ghopper)(objectClass=*", PASSWORD),
        ("ghopper,ou=people", PASSWORD),
        ("ghop\\70er", PASSWORD),
        ("ghopper\0", PASSWORD),
        ("\udc80", PASSWORD),
        ("g" * 100_000, PASSWORD),
    ],
    ids=ascii,
)
def test_anything_else_is_nobody(
    any_directory: settings.Directory, tmp_path: Path, uid: str, password: str
) -> None:
    assert directory.authenticate(any_directory, tmp_path, uid, password) is None


def test_an_empty_password_is_never_tried(tmp_path: Path) -> None:
    # Not even a connection is made: there is nothing at this port.
    nowhere = directories.settings_for(f"ldap://{LOOPBACK}:{free_port()}")
    assert directory.authenticate(nowhere, tmp_path, "ghopper", "") is None


def test_only_people_sign_in(any_directory: settings.Directory, tmp_path: Path) -> None:
    filtered = changed(any_directory, people="(&(objectClass=inetOrgPerson)(mail=a*))")
    assert directory.authenticate(filtered, tmp_path, "ghopper", PASSWORD) is None
    assert directory.authenticate(filtered, tmp_path, "aturing", PASSWORD) is not None


def test_a_uid_that_two_people_have_is_nobodys(own_slapd: slapd.Slapd, tmp_path: Path) -> None:
    source = directories.settings_for(own_slapd.url)
    turing = people.named(ENTRIES, "aturing").dn
    with own_slapd.administrator() as administrator:
        administrator.modify(turing, {"uid": [(ldap3.MODIFY_ADD, ["ghopper"])]})
    assert directory.authenticate(source, tmp_path, "ghopper", PASSWORD) is None


def test_an_entry_without_a_password(own_slapd: slapd.Slapd, tmp_path: Path) -> None:
    source = directories.settings_for(own_slapd.url)
    with own_slapd.administrator() as administrator:
        administrator.modify(GRACE.dn, {"userPassword": [(ldap3.MODIFY_DELETE, [])]})
    assert directory.authenticate(source, tmp_path, "ghopper", PASSWORD) is None


# --- connection


def bound(source: settings.Directory, folder: Path, password: str) -> settings.Directory:
    (folder / "password").write_text(password + "\n")
    return changed(source, bind_dn=slapd.ADMIN_DN, password_file=Path("password"))


def test_bound_by_a_password_file_below_the_state(own_slapd: slapd.Slapd, tmp_path: Path) -> None:
    source = bound(directories.settings_for(own_slapd.url), tmp_path, slapd.ADMIN_PASSWORD)
    with directory.connect(source, tmp_path) as connection:
        assert connection.extend.standard.who_am_i() == f"dn:{slapd.ADMIN_DN}"
    assert directory.authenticate(source, tmp_path, "ghopper", PASSWORD) is not None


def test_our_own_wrong_password_is_the_directorys_trouble(
    own_slapd: slapd.Slapd, tmp_path: Path
) -> None:
    source = bound(directories.settings_for(own_slapd.url), tmp_path, "wrong")
    with pytest.raises(DirectoryError, match="invalidCredentials"):
        directory.authenticate(source, tmp_path, "ghopper", PASSWORD)


def test_a_missing_password_file(tmp_path: Path) -> None:
    source = changed(
        directories.settings_for(f"ldap://{LOOPBACK}:{free_port()}"),
        bind_dn=slapd.ADMIN_DN,
        password_file="missing",
    )
    with pytest.raises(DirectoryError, match=r"directory\.password_file .*missing cannot be read"):
        directory.authenticate(source, tmp_path, "ghopper", PASSWORD)


def test_it_cannot_write(own_slapd: slapd.Slapd, tmp_path: Path) -> None:
    source = bound(directories.settings_for(own_slapd.url), tmp_path, slapd.ADMIN_PASSWORD)
    with pytest.raises(DirectoryError), directory.connect(source, tmp_path) as connection:
        connection.delete(GRACE.dn)


def test_a_directory_that_is_down(tmp_path: Path) -> None:
    nowhere = directories.settings_for(f"ldap://{LOOPBACK}:{free_port()}")
    with pytest.raises(DirectoryError, match=r"ldap://127\.0\.0\.1:\d+ cannot answer"):
        directory.authenticate(nowhere, tmp_path, "ghopper", PASSWORD)


def test_a_name_that_no_host_can_have(tmp_path: Path) -> None:
    source = directories.settings_for("ldaps://ldap..example.org")
    with pytest.raises(DirectoryError, match="no host can have this name"):
        directory.authenticate(source, tmp_path, "ghopper", PASSWORD)


def test_a_base_that_is_not_there(any_directory: settings.Directory, tmp_path: Path) -> None:
    with pytest.raises(DirectoryError, match="noSuchObject"):
        directory.authenticate(
            changed(any_directory, base="dc=elsewhere,dc=org"), tmp_path, "ghopper", PASSWORD
        )


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    with socket.create_server((LOOPBACK, 0)) as server:

        def accept() -> None:
            connection, _ = server.accept()
            with connection:
                answer(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"ldap://{LOOPBACK}:{server.getsockname()[1]}"
        thread.join(10)


def test_a_directory_that_says_nothing(tmp_path: Path) -> None:
    over = threading.Event()
    with answering(lambda connection: over.wait(10) and None) as url:
        source = changed(directories.settings_for(url), timeout=0.3)
        started = time.monotonic()
        with pytest.raises(DirectoryError):
            directory.authenticate(source, tmp_path, "ghopper", PASSWORD)
        assert time.monotonic() - started < 3
        over.set()


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\0" * 50,
        b"\xff" * 50,
        b"0\x80" * 30,
        b"0\x03\x02\x01\x01",
        b"0\x0c\x02\x01\x01a\x07\n\x01\0\x04\0\x04\xff",
        b"0\x05\x02\x01\x01\x61\x00",
        b"0\x84\x7f\xff\xff\xff" + b"\0" * 50,
        # Each of these goes on behind what it is in: who does not see it reads on for years.
        b"0\x69\x02\x01\x01\x61\x64" + b"".join(b"0\x020%c" % (96 - 4 * i) for i in range(25)),
    ],
    ids=range(10),
)
def test_a_directory_that_answers_garbage(tmp_path: Path, garbage: bytes) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(garbage)

    with answering(answer) as url:
        source = changed(directories.settings_for(url), timeout=1)
        with pytest.raises(DirectoryError):
            directory.authenticate(source, tmp_path, "ghopper", PASSWORD)


# --- TLS

Encrypted = tuple[settings.Directory, Path]


@contextmanager
def encrypted(folder: Path, name: str) -> Iterator[Encrypted]:
    require_slapd()
    require("openssl")
    made = certificates.self_signed(folder, name)
    entries = people.make(10, password=PASSWORD)
    with slapd.running_with(folder / "slapd", entries, slapd.Setup(tls=made)) as server:
        yield changed(directories.settings_for(server.url), start_tls=True), made.file


@pytest.fixture(scope="module")
def start_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    with encrypted(tmp_path_factory.mktemp("tls"), f"IP:{LOOPBACK}") as found:
        yield found


def test_start_tls(start_tls: Encrypted, tmp_path: Path) -> None:
    source, ca_file = start_tls
    (tmp_path / "ca.pem").write_bytes(ca_file.read_bytes())
    source = changed(source, ca_file="ca.pem")
    assert directory.authenticate(source, tmp_path, "ghopper", PASSWORD) is not None
    with directory.connect(source, tmp_path) as connection:
        assert connection.socket.version().startswith("TLS")


def test_an_unknown_authority_is_refused(start_tls: Encrypted, tmp_path: Path) -> None:
    with pytest.raises(DirectoryError, match="CERTIFICATE_VERIFY_FAILED"):
        directory.authenticate(start_tls[0], tmp_path, "ghopper", PASSWORD)


def test_another_hosts_certificate_is_refused(tmp_path: Path) -> None:
    with encrypted(tmp_path, "IP:127.0.0.2") as (source, ca_file):
        source = changed(source, ca_file=ca_file)
        with pytest.raises(DirectoryError, match="IP address mismatch"):
            directory.authenticate(source, tmp_path, "ghopper", PASSWORD)


def test_a_missing_authority_file(start_tls: Encrypted, tmp_path: Path) -> None:
    source = changed(start_tls[0], ca_file="missing.pem")
    with pytest.raises(DirectoryError):
        directory.authenticate(source, tmp_path, "ghopper", PASSWORD)


def test_a_server_without_tls_is_refused(own_slapd: slapd.Slapd, tmp_path: Path) -> None:
    source = changed(directories.settings_for(own_slapd.url), start_tls=True)
    with pytest.raises(DirectoryError):
        directory.authenticate(source, tmp_path, "ghopper", PASSWORD)


# --- a person from an entry

TIDY = {
    "entryUUID": [b"1-2-3"],
    "uid": [b"ada"],
    "cn": [b"Ada Lovelace"],
    "mail": [b"ada@example.org"],
}
ADA = Person("1-2-3", "ada", "Ada Lovelace", "ada@example.org")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, ADA),
        ({"cn": [b"Ada Lovelace", b"Countess"]}, ADA),
        ({"cn": [b"", b"  ", b"Ada Lovelace"]}, ADA),
        ({"cn": [b" Ada\n\tLovelace\0 "]}, ADA),
        ({"cn": []}, replace(ADA, name="ada")),
        ({"cn": [b"Ada \xe9\xff"]}, replace(ADA, name="Ada \N{REPLACEMENT CHARACTER}" + "\ufffd")),
        ({"cn": ["Łukasz Żak".encode()]}, replace(ADA, name="Łukasz Żak")),
        ({"cn": [b"<script>"]}, replace(ADA, name="<script>")),
        ({"mail": []}, replace(ADA, mail="")),
        ({"uid": [b"ada", b"lovelace"]}, ADA),
        ({"uid": [b"\xff", b"ada"]}, ADA),
        ({"uid": []}, None),
        ({"uid": [b""]}, None),
        ({"uid": [b"\xff\xfe"]}, None),
        ({"entryUUID": []}, None),
        ({"entryUUID": [b""]}, None),
        ({"entryUUID": [b"\0\xff"]}, replace(ADA, id="00ff")),
    ],
)
def test_untidy_entries(values: dict[str, list[bytes]], expected: Person | None) -> None:
    assert person({**TIDY, **values}, NAMES) == expected


@pytest.mark.parametrize("sign", ["x", "é", "\N{CJK UNIFIED IDEOGRAPH-20000}"])
def test_a_name_of_any_length_is_cut(sign: str) -> None:
    values = {"entryUUID": [b"1"], "uid": [b"ada"], "cn": [(sign * 100_000).encode()]}
    found = person(values, Attributes())
    assert found is not None
    assert found.name == sign * LONGEST_TEXT


def test_missing_attributes_altogether() -> None:
    assert person({}, NAMES) is None
    assert person({"entryUUID": [b"1"], "uid": [b"ada"]}, NAMES) == Person("1", "ada", "ada", "")


def test_names_of_attributes_in_the_servers_case() -> None:
    assert person({name.upper(): found for name, found in TIDY.items()}, NAMES) == ADA


def test_active_directorys_binary_identifier() -> None:
    identifier = uuid.UUID("12345678-1234-5678-1234-567812345678")
    names = Attributes(id="objectGUID", uid="sAMAccountName")
    found = person({"objectGUID": [identifier.bytes_le], "sAMAccountName": [b"ada"]}, names)
    assert found == Person(str(identifier), "ada", "ada", "")


def test_values_with_an_option_where_there_are_no_others() -> None:
    tagged = {"cn;lang-ja": ["田中".encode()], "CN;lang-de": [b"Tanaka"], "cnx": [b"no"]}
    untagged = {name: found for name, found in TIDY.items() if name != "cn"}
    assert person({**tagged, **untagged}, NAMES) == replace(ADA, name="Tanaka")
    assert person({**tagged, **TIDY}, NAMES) == ADA


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("userAccountControl", b"512", False),
        ("userAccountControl", b"514", True),
        ("userAccountControl", b"66050", True),
        ("userAccountControl", b"-2", True),
        ("userAccountControl", b"two", False),
        ("userAccountControl", b"9" * 5000, False),
        ("nsAccountLock", b"TRUE", True),
        ("nsAccountLock", b"true", True),
        ("nsAccountLock", b"FALSE", False),
        ("nsAccountLock", b"", False),
        ("pwdAccountLockedTime", b"000001010000Z", True),
        # Too many wrong passwords, which anybody can type.
        ("pwdAccountLockedTime", b"20300101120000Z", False),
        ("", b"TRUE", False),
    ],
)
def test_who_is_disabled(name: str, value: bytes, expected: bool) -> None:
    names = Attributes(disabled=name)
    assert directory.disabled({**TIDY, name: [value]}, names) is expected
    assert directory.disabled({**TIDY, name.upper(): [value]}, names) is expected
    assert not directory.disabled(TIDY, names)


def test_what_the_directory_is_asked_for() -> None:
    assert directory.wanted(NAMES) == [
        *("entryUUID", "uid", "cn", "mail", "uidNumber", "pwdAccountLockedTime")
    ]
    assert directory.wanted(Attributes(mail="uid", disabled="")) == [
        *("entryUUID", "uid", "cn", "uidNumber")
    ]
