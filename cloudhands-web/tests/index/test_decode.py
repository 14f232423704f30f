from cloudhands.common.person import Person
from cloudhands.common.settings import Attributes
from cloudhands.web.index.decode import MOST_TERMS, decode

NAMES = Attributes()


def test_every_value_finds_the_person_and_the_first_one_names_them() -> None:
    entry = decode(
        {
            "entryUUID": [b"1"],
            "uid": [b"glovelace", b"ada"],
            "cn": [b"Ada Lovelace", b"Countess Lovelace"],
            "mail": [b"ada@example.org"],
        },
        NAMES,
    )
    assert entry is not None
    assert entry.person == Person("1", "glovelace", "Ada Lovelace", "ada@example.org")
    assert entry.terms == ("ada", "lovelace", "glovelace", "countess", "ada@example.org")


def test_the_uid_finds_a_person_without_a_name() -> None:
    entry = decode({"entryUUID": [b"1"], "uid": [b"ada"]}, NAMES)
    assert entry is not None
    assert entry.terms == ("ada",)


def test_what_is_no_person() -> None:
    assert decode({"cn": [b"A Printer"]}, NAMES) is None


def test_values_that_are_not_text() -> None:
    entry = decode({"entryUUID": [b"\xff"], "uid": [b"ada"], "cn": [b"\xff\xfe"]}, NAMES)
    assert entry is not None
    assert entry.person.id == "ff"


ADA = {"entryUUID": [b"1"], "uid": [b"ada"], "cn": [b"Ada"]}


def test_the_whole_number_finds_a_person() -> None:
    entry = decode({**ADA, "uidNumber": [b"200017"]}, NAMES)
    assert entry is not None
    assert entry.terms == ("ada", "200017")


def test_a_number_that_is_none_finds_nobody() -> None:
    entry = decode({**ADA, "uidNumber": ["٢٠٠".encode(), b"-1", b"1e9", b"\xff"]}, NAMES)
    assert entry is not None
    assert entry.terms == ("ada",)


def test_disabled_people_are_left_out() -> None:
    names = Attributes(disabled="nsAccountLock")
    assert decode({**ADA, "nsAccountLock": [b"FALSE"]}, names) is not None
    assert decode({**ADA, "nsAccountLock": [b"TRUE"]}, names) is None


def test_who_writes_many_names_is_not_found_by_all_of_them() -> None:
    words = " ".join(f"word{number}" for number in range(1_000)).encode()
    names = [f"name{number}".encode() for number in range(1_000)]
    entry = decode({**ADA, "cn": [words, *names]}, NAMES)
    assert entry is not None
    assert "ada" in entry.terms
    assert "word0" in entry.terms
    assert len(entry.terms) == MOST_TERMS
