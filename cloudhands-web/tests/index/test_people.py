import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhands.common.person import Person
from cloudhands.common.settings import Attributes
from cloudhands.common.testing import people as made
from cloudhands.web.index import engine, words
from cloudhands.web.index.decode import Entry, decode
from cloudhands.web.index.people import CANDIDATES, People

NOW = datetime(2030, 1, 1, tzinfo=UTC)
POSITION = engine.Position("full", b"", "", NOW)
ENTRIES = made.make()


def decoded(entry: made.Entry) -> Entry:
    raw = {
        name: [value if isinstance(value, bytes) else value.encode() for value in values]
        for name, values in entry.attributes.items()
    }
    found = decode(raw, Attributes())
    assert found is not None
    return found


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> People:
    folder = tmp_path_factory.mktemp("index")
    with engine.writer(folder) as writer:
        writer.replace(map(decoded, ENTRIES), POSITION)
    return People(folder)


def uids(found: list[Person]) -> list[str]:
    return [person.uid for person in found]


@pytest.mark.parametrize(
    "text",
    [
        "Grace Hopper",
        "grace hopper",
        "Hopper, Grace",
        "hopper gr",
        "g hopper",
        "ghopper",
        "GHOPPER",
        "ghop",
        "Grase Hopper",
        "Grace Hoper",
        "Garce Hpoper",
        "grece hoppper",
        "Gräce Höpper",
        "ghopper@example.org",
        "ghopper@ex",
        "ghopper@exmaple.org",
        "“Grace” — Hopper!",
    ],
)
def test_grace_hopper_is_first(people: People, text: str) -> None:
    found = people.search(text)
    assert found
    assert found[0] == Person(
        made.named(ENTRIES, "ghopper").one("entryUUID"),
        "ghopper",
        "Grace Hopper",
        "ghopper@example.org",
    )


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("garcia", "García"),
        ("zolkiewski", "Żółkiewski"),
        ("Zółkiewski", "Żółkiewski"),
        ("strauss", "Strauß"),
        ("thorsson", "Þórsson"),
        ("obrien", "O'Brien"),
        ("o'brien", "O'Brien"),
        ("smith-jones", "Smith-Jones"),
        ("smithjones", "Smith-Jones"),
        ("кузнецов", "Кузнецов"),
        ("менделев", "Менделеев"),
        ("παπαδοπουλος", "Παπαδόπουλος"),
        ("欧阳", "欧阳"),
        ("田", "田中"),
        ("الخوارزمي", "الخوارزمي"),
        ("प्रिया", "प्रिया"),
    ],
)
def test_other_letters(people: People, text: str, part: str) -> None:
    found = people.search(text, 3)
    assert found
    assert all(part in person.name for person in found)


def test_further_names_and_addresses_find_a_person(people: People) -> None:
    several = next(entry for entry in ENTRIES if len(entry.attributes["cn"]) > 1)
    uid = several.one("uid")
    assert uid in uids(people.search(f"{uid}@mail.example.org"))
    assert uid in uids(people.search(f"professor {uid}"))


def test_everyone_is_found_by_uid_first(people: People) -> None:
    for entry in ENTRIES[::7]:
        uid = entry.one("uid")
        assert people.search(uid)[0].uid == uid


def test_a_name_with_markup_is_plain_text(people: People) -> None:
    marked = next(entry for entry in ENTRIES if "<b>" in entry.one("cn"))
    found = people.search(marked.one("cn"))
    assert found[0].name == marked.one("cn")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "*",
        "*:*",
        "-",
        ".*",
        "?!()[]{}\\/^~\"'+-&&||",
        "\0",
        "\ud800",
        "@",
        "'; DROP TABLE people; --",
        "<script>alert(1)</script>",
        "name:grace",
        "NOT grace AND",
        "\N{PILE OF POO}",
        "nobody at all",
    ],
)
def test_nobody_for_what_is_no_word_of_anyone(people: People, text: str) -> None:
    assert people.search(text) == []


def test_signs_only_separate_words(people: People) -> None:
    assert people.search("(grace) + [hopper]*")[0].uid == "ghopper"
    assert people.search("gr.*hopper") == people.search("gr hopper")


def test_very_long_queries(people: People) -> None:
    assert people.search("a" * 10_000) == []
    assert people.search("ghopper " * 10_000)[0].uid == "ghopper"
    assert people.search("@" * 10_000) == []
    assert people.search("a-" * 10_000) == people.search("a-a-a-a-a-a-a-a")


@given(st.text(max_size=300))
def test_no_text_raises(people: People, text: str) -> None:
    assert len(people.search(text, 5)) <= 5


def test_limits(people: People) -> None:
    assert len(people.search("a")) == 20
    assert len(people.search("a", 3)) == 3
    assert people.search("a", 0) == []
    assert people.search("a", -1) == []
    assert len(people.search("s", 10_000)) == CANDIDATES


def indexed(folder: Path, entries: list[Entry]) -> People:
    with engine.writer(folder) as writer:
        writer.replace(entries, POSITION)
    return People(folder)


def named(number: int, name: str, *terms: str, uid: str = "", mail: str = "") -> Entry:
    uid = uid or f"u{number}"
    person = Person(str(number), uid, name, mail)
    found = (term for text in (name, uid, mail) for term in words.terms_of(text))
    return Entry(person, (*dict.fromkeys(found), *terms))


def test_the_order_is_always_the_same(people: People, tmp_path: Path) -> None:
    again = indexed(tmp_path, [decoded(entry) for entry in reversed(ENTRIES)])
    for text in ("smith", "jose", "grace", "a", "jon smit", "u", "rachael thomson"):
        assert people.search(text, CANDIDATES) == again.search(text, CANDIDATES)


def test_of_too_many_equals_always_the_same_are_found(tmp_path: Path) -> None:
    equals = [named(number, "Ann Smith") for number in range(3 * CANDIDATES)]
    equals.append(named(-1, "Aaron Smith"))
    one = indexed(tmp_path / "one", equals)
    other = indexed(tmp_path / "other", equals[::-1])
    found = one.search("smith", CANDIDATES)
    assert found == other.search("smith", CANDIDATES)
    assert found[0].name == "Aaron Smith"


def test_an_exact_name_is_found_among_many_that_begin_so(tmp_path: Path) -> None:
    many = [named(number, f"Aa Anna{number}") for number in range(2 * CANDIDATES)]
    people = indexed(tmp_path, [*many, named(-1, "Zoe Anna")])
    assert people.search("anna")[0].name == "Zoe Anna"


@pytest.mark.parametrize(
    ("text", "uids"),
    [
        ("1000001", ["one"]),
        ("100000", ["named"]),
        ("1000002", []),
        ("王", ["wang"]),
        ("小明", ["wang"]),
        ("明", ["wang"]),
        ("小明王", ["wang"]),
        ("田中太郎", ["tanaka"]),
        ("太郎田中", ["tanaka"]),
        ("철수", ["kim"]),
        ("김철수", ["kim"]),
        ("muller", ["mueller"]),
        ("Müller", ["mueller"]),
        ("Múller", ["mueller"]),
        ("mulelr", ["mueller"]),
        ("mullr", ["mueller"]),
        ("nobody", []),
        ("j.muller", ["mueller"]),
        ("j.muller@example.org", ["mueller"]),
        ("j.muller@exampel.org", ["mueller"]),
        ("jmuller", ["mueller"]),
        ("mueler", ["mueller"]),
        ("ταο", []),
    ],
)
def test_what_finds_whom(tmp_path: Path, text: str, uids: list[str]) -> None:
    people = indexed(
        tmp_path,
        [
            named(1, "Somebody", "1000001", uid="one"),
            named(2, "Robot 1000003", uid="named"),
            named(3, "王小明", uid="wang"),
            named(4, "田中 太郎", uid="tanaka"),
            named(5, "김철수", uid="kim"),
            named(6, "Jörg Müller", uid="mueller", mail="j.muller@example.org"),
        ],
    )
    assert [person.uid for person in people.search(text)] == uids


def test_who_asks_for_a_uid_is_not_shown_others_like_it(people: People) -> None:
    assert uids(people.search("ghopper")) == ["ghopper"]


def test_equals_are_in_order_of_their_names(people: People) -> None:
    names = [person.name for person in people.search("smith", 10)]
    assert names == sorted(names)


def test_get(people: People) -> None:
    identifier = made.named(ENTRIES, "aturing").one("entryUUID")
    found = people.get(identifier)
    assert found is not None
    assert found.name == "Alan Turing"


@pytest.mark.parametrize("identifier", ["", "nobody", "*", "\0", "\ud800", "x" * 100_000])
def test_get_nobody(people: People, identifier: str) -> None:
    assert people.get(identifier) is None


def test_many_threads_while_it_is_replaced(tmp_path: Path) -> None:
    entries = [decoded(entry) for entry in ENTRIES[:50]]
    problems: list[str] = []
    over = threading.Event()
    found = People(tmp_path)

    def search() -> None:
        while not over.is_set():
            if uids(found.search("grace hopper"))[:1] != ["ghopper"]:
                problems.append("torn")
            # Four that never rest would have the writer wait for Python all the time.
            time.sleep(0.001)

    with engine.writer(tmp_path) as writer:
        writer.replace(entries, POSITION)
        threads = [threading.Thread(target=search) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            writer.replace(entries, POSITION)
        over.set()
        for thread in threads:
            thread.join()
    assert problems == []
