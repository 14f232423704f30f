import base64
import hashlib
import itertools
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from cloudhands.common.testing import people

SCRIPTS = {
    *("LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI"),
    *("CJK", "HIRAGANA", "KATAKANA", "HANGUL"),
}


def test_the_same_seed_makes_the_same_people() -> None:
    assert people.make(50, password="x") == people.make(50, password="x")
    assert people.make(50, seed=1) != people.make(50, seed=2)


def test_more_people_begin_with_the_same_ones() -> None:
    assert people.make(100)[:50] == people.make(50)


def test_uids_numbers_and_identifiers_are_unique() -> None:
    entries = people.make(3_000)
    for name in ("uid", "entryUUID"):
        assert len({entry.one(name) for entry in entries}) == 3_000
    numbers = [entry.one("uidNumber") for entry in entries if "uidNumber" in entry.attributes]
    assert 2_800 < len(set(numbers)) == len(numbers) < 3_000


def test_there_is_no_end_to_them() -> None:
    begun = itertools.islice(people.stream(10**9), 50)
    assert list(begun) == people.make(50)


def test_their_names_are_of_many_scripts() -> None:
    seen = Counter(
        unicodedata.name(sign).split()[0]
        for entry in people.make()
        for sign in entry.one("cn")
        if sign.isalpha()
    )
    assert seen.keys() == SCRIPTS
    assert all(ord(sign) < 128 for entry in people.make() for sign in entry.one("uid"))


def test_most_names_are_rare_and_some_are_common() -> None:
    families = Counter(entry.one("sn") for entry in people.make(10_000))
    assert len(families) > 2_000
    assert families["Smith"] > 50
    assert sum(count == 1 for count in families.values()) > len(families) / 2


def test_two_are_always_there() -> None:
    entries = people.make(2)
    assert [entry.one("cn") for entry in entries] == ["Grace Hopper", "Alan Turing"]
    assert people.named(entries, "ghopper") is entries[0]
    with pytest.raises(KeyError):
        people.named(entries, "nobody")


def test_some_are_odd() -> None:
    entries = people.make()
    assert any("mail" not in entry.attributes for entry in entries)
    assert any(len(entry.attributes["cn"]) > 1 for entry in entries)
    assert any("<b>" in entry.one("cn") for entry in entries)
    assert any("jpegPhoto" in entry.attributes for entry in entries)
    assert any(len(name) > 1_000 for entry in entries for name in entry.attributes["cn"])
    assert sum(not entry.one("cn").isascii() for entry in entries) > 100


def test_passwords_are_hashed() -> None:
    hashed = people.ssha("secret", "salt")
    raw = base64.b64decode(hashed.removeprefix("{SSHA}"))
    assert raw[:20] == hashlib.sha1(b"secret" + raw[20:]).digest()
    assert "userPassword" not in people.make(2)[0].attributes


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("plain", "x: plain"),
        ("", "x: "),
        ("José", "x:: Sm9zw6k="),
        (" space", "x:: IHNwYWNl"),
        ("space ", "x:: c3BhY2Ug"),
        (":colon", "x:: OmNvbG9u"),
        ("<less", "x:: PGxlc3M="),
        ("two\nlines", "x:: dHdvCmxpbmVz"),
        (b"\0\xff", "x:: AP8="),
    ],
)
def test_ldif(value: str | bytes, line: str, tmp_path: Path) -> None:
    entry = people.Entry("dc=org", {"x": [value]})
    file = people.write(tmp_path / "one.ldif", [entry])
    assert file.read_text() == f"dn: dc=org\n{line}\n\n"
