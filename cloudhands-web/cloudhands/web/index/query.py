"""Turns what somebody typed into a query: every word has to match, in any order.

A word matches a term that it equals, that it begins, or, from four letters on, that it misses by a
typo. What was typed is never parsed: signs only separate words.
"""

from collections.abc import Iterator

import tantivy

from cloudhands.web.index import words
from cloudhands.web.index.engine import SCHEMA, TERMS, exactly

LONGEST_QUERY = 200
MOST_WORDS = 8
# Longer words are compared letter by letter or not at all: the automata grow with the word.
LONGEST_WITH_TYPOS = 32

# How much better than a typo at the beginning of a word each kind of match is.
EXACT, PREFIX, TYPO, TYPO_IN_PREFIX = 8.0, 6.0, 4.0, 1.0


def chunks(text: str) -> list[str]:
    """What was typed, folded, cut to a sensible length and split at white space."""
    return words.fold(text[:LONGEST_QUERY]).split()[:MOST_WORDS]


def asked(text: str) -> list[str]:
    """The words that a match is measured by."""
    return [word for chunk in chunks(text) for word in _words(chunk)][:MOST_WORDS]


def build(text: str) -> tantivy.Query | None:
    """The query for a text, or None if no letter or digit is in it."""
    required = list(filter(None, map(_chunk, chunks(text))))
    if not required:
        return None
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, query) for query in required])


def _words(chunk: str) -> list[str]:
    found = words.parts(chunk)
    return [words.whole(chunk)] if found and "@" in chunk else found


def _chunk(chunk: str) -> tantivy.Query | None:
    found = _words(chunk)[:MOST_WORDS]
    if not found:
        return None
    if len(found) == 1:
        return _word(found[0])
    each = tantivy.Query.boolean_query([(tantivy.Occur.Must, _word(word)) for word in found])
    return tantivy.Query.disjunction_max_query([each, _word(words.joined(found))])


def _word(word: str) -> tantivy.Query:
    return tantivy.Query.disjunction_max_query(list(_kinds(word)))


def _kinds(word: str) -> Iterator[tantivy.Query]:
    yield _scored(exactly(TERMS, word), EXACT)
    yield _scored(_near(word, 0, prefix=True), PREFIX)
    if distance := typos(word):
        yield _scored(_near(word, distance, prefix=False), TYPO)
        yield _scored(_near(word, distance, prefix=True), TYPO_IN_PREFIX)


def typos(word: str) -> int:
    """How many letters may be wrong, missing, too many or swapped in a word of this length."""
    if len(word) > LONGEST_WITH_TYPOS:
        return 0
    return (len(word) >= 4) + (len(word) >= 7)


def _near(word: str, distance: int, *, prefix: bool) -> tantivy.Query:
    # At distance 0 this is a prefix query that, unlike a regular expression, needs no escaping.
    return tantivy.Query.fuzzy_term_query(SCHEMA, TERMS, word, distance, prefix=prefix)


def _scored(query: tantivy.Query, score: float) -> tantivy.Query:
    return tantivy.Query.const_score_query(query, score)
