from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ldap3
import pytest
from ldap3.core.exceptions import LDAPUnavailableCriticalExtensionResult

from cloudhands.common import settings
from cloudhands.common.errors import DirectoryError
from cloudhands.common.testing import directories, people, slapd
from cloudhands.common.testing.ports import LOOPBACK, free_port
from cloudhands.web.index import engine, sync
from cloudhands.web.index.people import People

NOW = datetime(2030, 1, 1, tzinfo=UTC)
Search = Any


def changed(source: settings.Directory, **values: object) -> settings.Directory:
    return settings.Directory.model_validate({**source.model_dump(), **values})


@pytest.mark.parametrize("page_size", [100, 333, 500])
def test_everybody_is_read(
    any_directory: settings.Directory, tmp_path: Path, page_size: int
) -> None:
    found = sync.read(changed(any_directory, page_size=page_size), tmp_path)
    made = {entry.one("entryUUID"): entry for entry in people.make()}
    assert [entry.person.id for entry in found] == sorted(made)
    for entry in found:
        expected = made[entry.person.id]
        assert entry.person.uid == expected.one("uid")
        assert entry.person.name in expected.attributes["cn"]
        assert entry.person.mail in expected.attributes.get("mail", [""])


@pytest.fixture
def unpaged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request for pages is refused, as by a server that does not know the control."""
    search: Search = ldap3.Connection.search

    def refusing(connection: ldap3.Connection, *given: Any, **named: Any) -> Any:
        if named.get("paged_size"):
            raise LDAPUnavailableCriticalExtensionResult
        return search(connection, *given, **named)

    monkeypatch.setattr(ldap3.Connection, "search", refusing)


@pytest.mark.usefixtures("unpaged")
def test_a_server_that_refuses_paging(own_slapd: slapd.Slapd, tmp_path: Path) -> None:
    assert len(sync.read(directories.settings_for(own_slapd.url), tmp_path)) == 200


@pytest.mark.usefixtures("unpaged")
@pytest.mark.parametrize("any_directory", [directories.SLAPD], indirect=True)
def test_a_read_that_is_cut_short_is_not_the_whole(
    any_directory: settings.Directory, tmp_path: Path
) -> None:
    with pytest.raises(DirectoryError, match="sizeLimitExceeded"):
        sync.read(any_directory, tmp_path)


def test_a_change_a_new_person_and_a_deletion(own_slapd: slapd.Slapd, tmp_path: Path) -> None:
    source = directories.settings_for(own_slapd.url)
    found = People(tmp_path)
    entries = people.make(201)
    with engine.writer(tmp_path) as writer, own_slapd.administrator() as administrator:
        sync.replace(writer, sync.read(source, tmp_path), NOW)
        grace = found.search("ghopper")[0]
        assert found.search("katherine johnson") == []
        administrator.add(
            f"uid=kjohnson,{people.PEOPLE}",
            "inetOrgPerson",
            {"cn": "Katherine Johnson", "sn": "Johnson", "uid": "kjohnson"},
        )
        administrator.delete(people.named(entries, "aturing").dn)
        administrator.modify_dn(people.named(entries, "ghopper").dn, "uid=amazing")
        sync.replace(writer, sync.read(source, tmp_path), NOW)
    assert [person.uid for person in found.search("katherine johnson")] == ["kjohnson"]
    assert found.search("aturing") == []
    renamed = found.get(grace.id)
    assert renamed is not None
    assert (renamed.uid, renamed.name) == ("amazing", "Grace Hopper")


def test_an_index_is_not_emptied_by_an_empty_read(
    any_directory: settings.Directory, tmp_path: Path
) -> None:
    nobody = changed(any_directory, people="(objectClass=device)")
    with engine.writer(tmp_path) as writer:
        sync.replace(writer, sync.read(nobody, tmp_path), NOW)
        sync.replace(writer, sync.read(any_directory, tmp_path), NOW)
        with pytest.raises(DirectoryError, match="keeps its 1000 people"):
            sync.replace(writer, sync.read(nobody, tmp_path), NOW)
    assert People(tmp_path).search("ghopper")


def test_entries_that_are_no_people_are_left_out(
    any_directory: settings.Directory, tmp_path: Path
) -> None:
    everything = changed(any_directory, people="(objectClass=*)")
    assert len(sync.read(everything, tmp_path)) == 1000


def test_two_entries_of_one_identifier_are_one_person(
    any_directory: settings.Directory, tmp_path: Path
) -> None:
    same = changed(any_directory, attributes={"id": "objectClass"})
    assert len(sync.read(same, tmp_path)) == 1


def test_a_directory_that_is_down(tmp_path: Path) -> None:
    with pytest.raises(DirectoryError):
        sync.read(directories.settings_for(f"ldap://{LOOPBACK}:{free_port()}"), tmp_path)


def test_a_directory_that_dies_half_way(own_slapd: slapd.Slapd, tmp_path: Path) -> None:
    source = directories.settings_for(own_slapd.url)
    search: Search = ldap3.Connection.search

    def dying(connection: ldap3.Connection, *given: Any, **named: Any) -> Any:
        if named.get("paged_cookie"):
            own_slapd.process.kill()
        return search(connection, *given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ldap3.Connection, "search", dying)
        with pytest.raises(DirectoryError):
            sync.read(source, tmp_path)
