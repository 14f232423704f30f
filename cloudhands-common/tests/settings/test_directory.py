"""The settings of the directory: what follows from its kind, and what is said about wrong ones."""

from pathlib import Path

import pytest

from cloudhands.common import settings
from cloudhands.common.errors import SettingsError

REACHED = {"url": "ldaps://ldap.example.org", "base": "dc=example,dc=org"}


def load(tmp_path: Path, text: str) -> settings.Directory:
    file = tmp_path / "cloudhands.toml"
    file.write_text(f"[directory]\n{text}", encoding="utf-8")
    found = settings.load(file=file, environment={}).directory
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kind", "people", "names"),
    [
        (
            "openldap",
            "(objectClass=inetOrgPerson)",
            ("entryUUID", "uid", "modifyTimestamp", "pwdAccountLockedTime"),
        ),
        (
            "freeipa",
            "(objectClass=inetOrgPerson)",
            ("ipaUniqueID", "uid", "modifyTimestamp", "nsAccountLock"),
        ),
        (
            "active-directory",
            "(&(objectCategory=person)(objectClass=user))",
            ("objectGUID", "sAMAccountName", "uSNChanged", "userAccountControl"),
        ),
    ],
)
def test_a_kind_sets_what_things_are_called(kind: str, people: str, names: tuple[str, ...]) -> None:
    found = settings.Directory.model_validate({**REACHED, "kind": kind})
    called = found.attributes
    assert found.people == people
    assert (called.id, called.uid, called.changed, called.disabled) == names
    assert (called.name, called.mail, called.uid_number) == ("cn", "mail", "uidNumber")


def test_without_a_kind_it_is_openldap() -> None:
    assert settings.Directory.model_validate(REACHED) == settings.Directory.model_validate(
        {**REACHED, "kind": "openldap"}
    )


def test_each_of_them_can_be_another(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        "kind = 'active-directory'\nurl = 'ldaps://a'\nbase = 'dc=a'\npeople = '(mail=*)'\n"
        "[directory.attributes]\nname = 'displayName'\ndisabled = ''\n",
    )
    assert found.people == "(mail=*)"
    assert (found.attributes.name, found.attributes.disabled) == ("displayName", "")
    assert (found.attributes.id, found.attributes.uid) == ("objectGUID", "sAMAccountName")


def test_what_was_read_can_be_written_and_read_again() -> None:
    found = settings.Directory.model_validate({**REACHED, "kind": "freeipa", "hidden": "(a=b)"})
    assert settings.Directory.model_validate(found.model_dump()) == found
    again = settings.Directory.model_validate(
        {**REACHED, "kind": "freeipa", "attributes": settings.Attributes(uid="krbPrincipalName")}
    )
    assert (again.attributes.id, again.attributes.uid) == ("ipaUniqueID", "krbPrincipalName")


def test_several_servers_and_places(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        "url = 'ldaps://a'\nother_urls = ['ldaps://b', 'ldaps://c']\n"
        "base = 'dc=a'\nother_bases = ['dc=b']",
    )
    assert found.urls == ("ldaps://a", "ldaps://b", "ldaps://c")
    assert found.bases == ("dc=a", "dc=b")


def test_who_is_shown() -> None:
    found = settings.Directory.model_validate(REACHED)
    assert found.shown == found.people
    hiding = settings.Directory.model_validate({**REACHED, "hidden": "(employeeType=secret)"})
    assert hiding.shown == "(&(objectClass=inetOrgPerson)(!(employeeType=secret)))"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("kind = 'novell'", "directory.kind (FILE, line 4): Input should be 'openldap', 'freeipa'"),
        ("timeout = 1e300", "directory.timeout (FILE, line 4): "),
        ("other_urls = ['http://b']", "directory.other_urls.0 (FILE, line 4)"),
        ("other_urls = ['ldap://b.example.org']", "would go to ldap://b.example.org as they are"),
        ("other_urls = ['ldaps://A/']", "other_urls: ldaps://a is there more than once"),
        ("start_tls = true", "ldaps://a is encrypted from the first byte: leave out start_tls"),
        ("people = 'objectClass=person'", "directory.people (FILE, line 4): "),
        ("people = ''", "or leave it out"),
        ("hidden = '(a=b)(c=d)'", "directory.hidden (FILE, line 4): "),
        ("hidden = '((a=b)'", "in parentheses, each of which is closed"),
        ("decoder = 'quick'", "Input should be 'own' or 'ldap3'"),
        ("attributes.uid = 'uid)(cn'", "directory.attributes.uid (FILE, line 4)"),
        ("attributes.uid = ''", "directory.attributes.uid (FILE, line 4)"),
        ("attributes = 'uid'", "directory.attributes (FILE, line 4)"),
        ("otherurls = []", "did you mean directory.other_urls?"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, f"url = 'ldaps://a'\nbase = 'dc=a'\n{text}\n")
    said = str(caught.value).replace(str(tmp_path / "cloudhands.toml"), "FILE")
    assert sentence in said
