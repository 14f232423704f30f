"""Turns what somebody typed into queries: every word has to match, in any order.

A word matches a term that it equals, that it begins, or, from four letters on, that it misses by a
typo. Each `Level` takes more for a match than the one before and costs more: the search goes on to
the next one only if it has found too little. What was typed is never parsed: signs only separate
words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import tantivy

from cloudhands.web.index import words
from cloudhands.web.index.documents import BEGINNINGS, CODES, LONGEST_BEGINNING, NAMES, NUMBERS
from cloudhands.web.index.engine import SCHEMA, exactly

LONGEST_QUERY = 200
MOST_WORDS = 8
# Longer words are compared letter by letter or not at all: the automata grow with the word.
LONGEST_WITH_TYPOS = 32


class Level(IntEnum):
    """What counts as a match: each level takes what those before it take, and more."""

    EXACT = 0
    BEGUN = 1
    """Also the beginning of a name, a uid or an address."""
    ONE_TYPO = 2
    """Also a name with a typo in each word; signs of an unspaced script in any order."""
    TWO_TYPOS = 3
    """Also a name with two in a long word."""
    IN_CODES = 4
    """Also a uid or the beginning of a name with a typo."""


@dataclass(frozen=True)
class Chunk:
    """What was typed between two spaces.

    :param words: what it is made of; all have to match.
    :param other: what it may be instead: its words without the signs between them.
    :param typed: its words if something in it is wrong: of an address, those before the @.
    """

    words: tuple[str, ...]
    other: str
    typed: tuple[str, ...]


def chunks(text: str) -> list[Chunk]:
    """What was typed, folded and split at white space; only so much of it as is sensible."""
    found: list[Chunk] = []
    room = MOST_WORDS
    for typed in words.fold(text[:LONGEST_QUERY]).split():
        chunk = _chunk(typed, room)
        if chunk.words:
            found.append(chunk)
            room -= len(chunk.words)
        if not room:
            break
    return found


def _chunk(typed: str, most: int) -> Chunk:
    found = tuple(words.parts(typed)[:most])
    if found and "@" in typed:
        local = tuple(words.parts(typed.split("@")[0])[:most])
        return Chunk((words.whole(typed),), "", local)
    return Chunk(found, words.joined(list(found)) if len(found) > 1 else "", found)


def asked(typed: Sequence[Chunk]) -> list[str]:
    """The words that a match is measured by."""
    return [word for chunk in typed for word in chunk.words]


def levels(typed: Sequence[Chunk]) -> list[Level]:
    """The levels that may find more for what was typed than the one before."""
    found = [Level.EXACT, Level.BEGUN]
    forgiven = [typos(word) for chunk in typed for word in (*chunk.typed, chunk.other)]
    if any(forgiven) or any(_may_be_otherwise(chunk) for chunk in typed):
        found.append(Level.ONE_TYPO)
    if any(forgiven):
        found += [Level.TWO_TYPOS] * (max(forgiven) == 2)
        found.append(Level.IN_CODES)
    return found


def _may_be_otherwise(chunk: Chunk) -> bool:
    return chunk.typed != chunk.words or any(map(words.is_unspaced, chunk.words))


def build(typed: Sequence[Chunk], level: Level) -> tantivy.Query:
    """The query for what was typed, which is at least one chunk."""
    return _all([_of_chunk(chunk, level) for chunk in typed])


def _of_chunk(chunk: Chunk, level: Level) -> tantivy.Query:
    ways = [_all([_word(word, level) for word in chunk.words])]
    if chunk.other:
        ways.append(_word(chunk.other, level))
    if level >= Level.ONE_TYPO and chunk.typed and chunk.typed != chunk.words:
        ways.append(_all([_word(word, level) for word in chunk.typed]))
    return _any(ways)


def _word(word: str, level: Level) -> tantivy.Query:
    ways = [exactly(NUMBERS, word)] if word.isdecimal() else []
    if level == Level.EXACT:
        return _any([*ways, exactly(NAMES, word), exactly(CODES, word)])
    ways += _begun(word)
    if level >= Level.ONE_TYPO:
        ways += _with_typos(word, level)
    return _any(ways)


def _begun(word: str) -> list[tantivy.Query]:
    if len(word) <= LONGEST_BEGINNING:
        return [exactly(BEGINNINGS, word)]
    return [_near(NAMES, word, 0, prefix=True), _near(CODES, word, 0, prefix=True)]


def _with_typos(word: str, level: Level) -> list[tantivy.Query]:
    if words.is_unspaced(word):
        return [_all([exactly(BEGINNINGS, sign) for sign in word[:MOST_WORDS]])]
    distance = min(typos(word), 1 if level == Level.ONE_TYPO else 2)
    if not distance:
        return []
    ways = [_near(NAMES, word, distance, prefix=False)]
    if level == Level.IN_CODES:
        ways += [_near(NAMES, word, 1, prefix=True), _near(CODES, word, 1, prefix=False)]
    return ways


def typos(word: str) -> int:
    """How many letters may be wrong, missing, too many or swapped in a word of this length."""
    # Of a number nobody can tell which other one was meant.
    if len(word) > LONGEST_WITH_TYPOS or word.isdecimal():
        return 0
    return (len(word) >= 4) + (len(word) >= 7)


def _near(field: str, word: str, distance: int, *, prefix: bool) -> tantivy.Query:
    # At distance 0 this is a prefix query that, unlike a regular expression, needs no escaping.
    return tantivy.Query.fuzzy_term_query(SCHEMA, field, word, distance, prefix=prefix)


def _all(queries: list[tantivy.Query]) -> tantivy.Query:
    return _joined(tantivy.Occur.Must, queries)


def _any(queries: list[tantivy.Query]) -> tantivy.Query:
    return _joined(tantivy.Occur.Should, queries)


def _joined(occur: tantivy.Occur, queries: list[tantivy.Query]) -> tantivy.Query:
    if len(queries) == 1:
        return queries[0]
    return tantivy.Query.boolean_query([(occur, query) for query in queries])
