import pytest

from cloudhands.common.settings import Directory
from cloudhands.web.index.engine import stamp_of

PLAIN = {"url": "ldap://localhost", "base": "dc=example"}


def of(**values):
    return stamp_of(Directory.model_validate({**PLAIN, **values}))


@pytest.mark.parametrize(
    "values",
    [
        {"url": "ldaps://another.example"},
        {"other_urls": ("ldaps://third.example",)},
        {"sync": "full"},
        {"decoder": "ldap3"},
        {"timeout": 3},
        {"page_size": 7},
        {"ca_file": "ca.pem"},
        {"uid_numbers": (5000, 6000)},
    ],
)
def test_how_the_directory_is_reached_does_not_count(values):
    assert of(**values) == of()


@pytest.mark.parametrize(
    "values",
    [
        {"base": "dc=other"},
        {"other_bases": ("dc=other",)},
        {"hidden": "(title=secret)"},
        {"kind": "freeipa"},
        {"people": "(objectClass=person)"},
        {"attributes": {"name": "displayName"}},
        {"attributes": {"id": "uidNumber"}},
        {"bind_dn": "cn=reader", "password_file": "password"},
    ],
)
def test_who_is_shown_and_as_what_does(values):
    assert of(**values) != of()
