from pathlib import Path

import ldap3
import pytest
from ldap3.core.exceptions import (
    LDAPNoSuchObjectResult,
    LDAPStrongerAuthRequiredResult,
    LDAPUnavailableCriticalExtensionResult,
)

from cloudhands.common.errors import ConfigurationError
from cloudhands.common.testing import people, programs, slapd
from cloudhands.common.testing.certificates import authority, issued, self_signed
from cloudhands.common.testing.ports import free_port


def test_anyone_reads_and_nobody_reads_passwords(own_slapd: slapd.Slapd) -> None:
    with ldap3.Connection(own_slapd.url, raise_exceptions=True) as anyone:
        anyone.search(people.PEOPLE, "(uid=ghopper)", attributes=["*", "+"])
        assert anyone.response is not None
        found = anyone.response[0]["raw_attributes"]
        assert found["cn"] == [b"Grace Hopper"]
        assert "userPassword" not in found
        with pytest.raises(LDAPStrongerAuthRequiredResult):
            anyone.delete(anyone.response[0]["dn"])


def test_its_identifiers_are_those_of_the_made_up_people(own_slapd: slapd.Slapd) -> None:
    entry = people.make(200)[17]
    with ldap3.Connection(own_slapd.url, raise_exceptions=True) as anyone:
        anyone.search(people.PEOPLE, f"(entryUUID={entry.one('entryUUID')})", attributes=["uid"])
        assert anyone.response is not None
        assert [item["dn"] for item in anyone.response] == [entry.dn]


def test_unpaged_searches_are_cut_short(tmp_path: Path) -> None:
    programs.require("slapd")
    with (
        slapd.running_with(tmp_path / "slapd", people.make(slapd.MOST_UNPAGED + 1)) as server,
        ldap3.Connection(server.url, raise_exceptions=True) as anyone,
    ):
        anyone.search(people.PEOPLE, "(uid=*)")
        assert anyone.result["description"] == "sizeLimitExceeded"


def test_what_was_changed_is_there_after_a_restart(own_slapd: slapd.Slapd) -> None:
    with own_slapd.administrator() as administrator:
        administrator.delete(people.make(2)[1].dn)
    own_slapd.process.stop()
    with (
        slapd.running_on(own_slapd.folder, free_port()) as server,
        ldap3.Connection(server.url, raise_exceptions=True) as anyone,
    ):
        anyone.search(people.PEOPLE, "(|(uid=aturing)(uid=ghopper))")
        assert anyone.response is not None
        assert [item["dn"] for item in anyone.response] == [people.make(2)[0].dn]


def test_a_bad_ldif_is_refused(tmp_path: Path) -> None:
    programs.require("slapd")
    ldif = people.write(tmp_path / "bad.ldif", [people.Entry("uid=x,dc=nowhere", {"uid": ["x"]})])
    with pytest.raises(ConfigurationError, match=r"cannot add .*/bad\.ldif: .*uid=x,dc=nowhere"):
        slapd.prepare(tmp_path / "slapd", ldif)


def test_a_folder_with_a_space_will_do(tmp_path: Path) -> None:
    programs.require("slapd")
    folder = tmp_path / "a b"
    folder.mkdir()
    tls = self_signed(folder, "DNS:localhost")
    with (
        slapd.running_with(folder / "slapd", people.make(1), slapd.Setup(tls=tls)) as server,
        ldap3.Connection(server.url, raise_exceptions=True) as anyone,
    ):
        assert anyone.search(people.PEOPLE, "(uid=ghopper)")
    assert (folder / "slapd" / "data" / "data.mdb").is_file()


def test_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(programs, "find", lambda program: None)
    assert slapd.find() is None
    with pytest.raises(FileNotFoundError, match="install the package slapd"):
        slapd.command(tmp_path, 389)


SYNC = ("1.3.6.1.4.1.4203.1.9.1.1", True, bytes.fromhex("30030a0101"))


def names(url: str, **options: object) -> list[str]:
    with ldap3.Connection(url, raise_exceptions=True) as anyone:
        anyone.search(people.PEOPLE, "(uid=*)", dereference_aliases=ldap3.DEREF_NEVER, **options)
        assert anyone.response is not None
        return sorted(item["dn"].split(",")[0] for item in anyone.response if "dn" in item)


def test_entries_are_added_changed_renamed_and_removed(own_slapd: slapd.Slapd) -> None:
    before = names(own_slapd.url)
    entry = people.make(201)[200]
    own_slapd.add(entry)
    own_slapd.modify(entry.dn, {"cn": ["Another"], "mail": []})
    own_slapd.rename(entry.dn, "uid=another")
    with ldap3.Connection(own_slapd.url, raise_exceptions=True) as anyone:
        anyone.search(people.PEOPLE, "(uid=another)", attributes=["cn", "mail", "entryUUID"])
        assert anyone.response is not None
        found = anyone.response[0]["raw_attributes"]
    assert found == {"cn": [b"Another"], "entryUUID": [entry.one("entryUUID").encode()], "mail": []}
    own_slapd.delete(f"uid=another,{people.PEOPLE}")
    assert names(own_slapd.url) == before


def test_a_backup_is_restored_on_the_same_port(own_slapd: slapd.Slapd, tmp_path: Path) -> None:
    before = names(own_slapd.url)
    backup = own_slapd.dump(tmp_path / "backup.ldif")
    own_slapd.delete(people.make(2)[1].dn)
    own_slapd.kill()
    own_slapd.restore(backup)
    own_slapd.start()
    assert names(own_slapd.url) == before


def test_only_with_syncprov_it_can_be_synchronised(own_slapd: slapd.Slapd, tmp_path: Path) -> None:
    with pytest.raises(LDAPUnavailableCriticalExtensionResult):
        names(own_slapd.url, controls=[SYNC])
    setup = slapd.Setup(syncprov=True, sessionlog=10, unpaged=None)
    with slapd.running_with(tmp_path / "first", people.make(501), setup) as first:
        assert len(names(first.url, controls=[SYNC])) == 501
        copying = slapd.Setup(syncprov=True, unpaged=None, consumer_of=first.url)
        with slapd.running_with(tmp_path / "second", (), copying) as second:
            expected = names(first.url)
            second.process.wait_until(lambda: is_there(second.url) == expected, 20)


def is_there(url: str) -> list[str]:
    try:
        return names(url)
    except LDAPNoSuchObjectResult:
        return []


def test_ldaps(tmp_path: Path) -> None:
    programs.require("slapd")
    made = issued(authority(tmp_path), tmp_path, "IP:127.0.0.1")
    with (
        slapd.running_with(tmp_path / "slapd", people.make(2), slapd.Setup(tls=made)) as server,
        ldap3.Connection(server.ldaps_url, raise_exceptions=True) as anyone,
    ):
        assert anyone.search(people.PEOPLE, "(uid=ghopper)")
