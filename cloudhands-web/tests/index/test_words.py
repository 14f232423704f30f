import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudhands.web.index import query, words
from cloudhands.web.index.query import Level


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Grace Hopper", "grace hopper"),
        ("José Müller Ångström", "jose muller angstrom"),
        ("Łukasz Żółkiewski", "lukasz zolkiewski"),
        ("Søren Þórsson Æ", "soren thorsson ae"),
        ("STRAUSS Strauß", "strauss strauss"),
        ("İstanbul \N{LATIN SMALL LETTER DOTLESS I}lgaz", "istanbul ilgaz"),
        ("ΣΊΣΥΦΟΣ Σίσυφος", "σισυφοσ σισυφοσ"),
        ("Андрей", "андреи"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER F}ull", "full"),
        ("さくら がが", "さくら がが"),
        ("मेनका", "मेनका"),
        ("김철수", "김철수"),
        ("مُحَمَّد", "محمد"),
        ("a\ud800b", "ab"),
    ],
)
def test_folding(text: str, folded: str) -> None:
    assert words.fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert words.fold(words.fold(text)) == words.fold(text)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=50))
def test_what_is_indexed_can_be_asked_for(text: str) -> None:
    indexed = set(words.terms_of(text))
    for chunk in query.chunks(text):
        assert set(chunk.words) <= indexed


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Grace Hopper", ["grace", "hopper"]),
        ("O'Brien", ["o", "brien", "obrien"]),
        ("Anna Smith-Jones", ["anna", "smith", "jones", "smithjones"]),
        ("g.hopper@example.org", ["g", "hopper", "ghopper", "g.hopper@example.org"]),
        ("<b>Ada</b>", ["b", "ada", "b", "badab"]),
        ("王小明", ["王小明", "小明", "明"]),
        ("小明 王", ["小明", "明", "王", "小明王"]),
        ("김철수", ["김철수", "철수", "수"]),
        (" *:* --- ", []),
        ("", []),
    ],
)
def test_terms(text: str, terms: list[str]) -> None:
    assert list(words.terms_of(text)) == terms


def test_terms_are_cut() -> None:
    assert list(words.terms_of("a" * 1000)) == ["a" * words.LONGEST_TERM]


@pytest.mark.parametrize(
    ("word", "typos"),
    [("abc", 0), ("abcd", 1), ("abcdef", 1), ("abcdefg", 2), ("a" * 40, 0), ("1234567", 0)],
)
def test_typos_by_length(word: str, typos: int) -> None:
    assert query.typos(word) == typos


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("gr", []),
        ("an na", []),
        ("1000001", []),
        ("田中", [Level.ONE_TYPO]),
        ("gra@example.org", [Level.ONE_TYPO]),
        ("ann smith", [Level.ONE_TYPO, Level.IN_CODES]),
        ("o'brien", [Level.ONE_TYPO, Level.IN_CODES]),
        ("ann kuznetsova", [Level.ONE_TYPO, Level.TWO_TYPOS, Level.IN_CODES]),
    ],
)
def test_what_is_tried_where_nobody_matches_as_typed(text: str, levels: list[Level]) -> None:
    assert query.levels(query.chunks(text)) == [Level.EXACT, Level.BEGUN, *levels]


@pytest.mark.parametrize("text", ["ab " * 100, "ab-" * 100, "ab-cd " * 50, "ab@cd-ef " * 30])
def test_so_many_words_count_and_no_more(text: str) -> None:
    assert len(query.asked(query.chunks(text))) == query.MOST_WORDS
