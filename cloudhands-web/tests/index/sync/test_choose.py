import re
from typing import Any

import pytest

from cloudhands.common import settings
from cloudhands.common.errors import DirectoryError
from cloudhands.web.index.sync import choose
from cloudhands.web.index.sync.controls import SYNC_REQUEST
from cloudhands.web.index.sync.server import Server, context_of, is_of_use

OFFERS = frozenset({SYNC_REQUEST})
CSN = "20260101120000.{:06}Z#000000#{:03x}#000000"


def source(**values: Any) -> settings.Directory:
    given = {"url": "ldaps://ldap.example.org", "base": "dc=example,dc=org", **values}
    return settings.Directory.model_validate(given)


@pytest.mark.parametrize(
    ("server", "values", "refused", "expected"),
    [
        (Server("a", OFFERS), {}, (), "persist"),
        (Server("a", OFFERS), {}, {"persist"}, "refresh"),
        (Server("a", OFFERS), {}, {"persist", "refresh"}, "changes"),
        (Server("a", OFFERS), {}, {"persist", "refresh", "changes"}, "full"),
        (Server("a"), {}, (), "changes"),
        (Server("a", OFFERS), {"attributes": {"id": "ENTRYUUID"}}, (), "persist"),
        (Server("a", OFFERS), {"attributes": {"id": "employeeNumber"}}, (), "changes"),
        (Server("a", OFFERS), {"other_bases": ["dc=example,dc=com"]}, (), "changes"),
        (Server("a", OFFERS, vendor="389 Project"), {}, (), "changes"),
        (Server("a", usn=7), {"kind": "active-directory"}, (), "changes"),
        (Server("a", OFFERS), {"kind": "freeipa"}, (), "changes"),
        (Server("a"), {"sync": "persist"}, {"persist"}, "persist"),
        (Server("a", OFFERS), {"sync": "full"}, (), "full"),
    ],
)
def test_the_best_that_is_offered(
    server: Server, values: dict[str, Any], refused: Any, expected: str
) -> None:
    chosen, reason = choose.protocol(server, source(**values), refused)
    assert chosen == expected
    assert bool(reason) is (expected != "persist")


@pytest.mark.parametrize(
    ("server", "values", "expected"),
    [
        (Server("a", OFFERS), {"other_bases": ["dc=example,dc=com"]}, r"one base.*other_bases"),
        (Server("a", OFFERS), {"kind": "freeipa"}, r'directory.attributes.id = "ipaUniqueID"'),
        (Server("a", OFFERS, vendor="389 Project"), {}, "389 Project names people otherwise"),
        (Server("a"), {}, "does not offer"),
        (Server("a", OFFERS), {"sync": "full"}, 'directory.sync = "full"'),
    ],
)
def test_why_no_better_one(server: Server, values: dict[str, Any], expected: str) -> None:
    assert re.search(expected, choose.protocol(server, source(**values)).reason)


@pytest.mark.parametrize("asked", choose.SYNCREPL)
@pytest.mark.parametrize(
    "values", [{"kind": "active-directory"}, {"other_bases": ["dc=example,dc=com"]}]
)
def test_settings_that_cannot_work(asked: str, values: dict[str, Any]) -> None:
    with pytest.raises(DirectoryError, match=r'directory\.sync = "changes"'):
        choose.protocol(Server("a", OFFERS), source(sync=asked, **values))


@pytest.mark.parametrize(
    ("base", "contexts", "expected"),
    [
        ("ou=people,dc=example,dc=org", ["dc=example,dc=org", "dc=org"], "dc=example,dc=org"),
        ("OU=People, DC=Example , dc=Org", ["dc=example,dc=org"], "dc=example,dc=org"),
        ("dc=example,dc=org", ["dc=example, dc=org"], "dc=example, dc=org"),
        ("dc=myexample,dc=org", ["dc=example,dc=org"], "dc=myexample,dc=org"),
        ("dc=example,dc=org", ["", "cn=config"], "dc=example,dc=org"),
    ],
)
def test_the_database_of_a_base(base: str, contexts: list[str], expected: str) -> None:
    assert context_of(base, contexts) == expected


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ([(5, 0)], [(5, 0)], True),
        ([(5, 0)], [(6, 0)], True),
        ([(6, 0)], [(5, 0)], False),
        ([(5, 1), (7, 2)], [(5, 1), (8, 2)], True),
        ([(5, 1), (7, 2)], [(9, 1), (6, 2)], False),
        ([(5, 1)], [(5, 1), (8, 2)], True),
        ([(5, 1), (7, 2)], [(9, 1)], False),
        ([], [(5, 0)], False),
        ([(5, 0)], [], True),
        ([], [], True),
    ],
)
def test_cookies_that_a_server_can_have_given(
    ours: list[tuple[int, int]], theirs: list[tuple[int, int]], expected: bool
) -> None:
    cookie = "rid=000,sid=001,csn=" + ";".join(CSN.format(*change) for change in ours)
    assert is_of_use(cookie.encode(), [CSN.format(*change) for change in theirs]) is expected
