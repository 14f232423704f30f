"""Puts matches in the order in which people expect them; the same matches, always the same order.

The index scores a match by its kind alone; which of a hundred candidates is meant shows only in how
much of each word was typed, and how closely.
"""

from collections.abc import Iterable, Sequence

from rapidfuzz.distance import OSA

from cloudhands.web.index import words
from cloudhands.web.index.decode import Entry

# A word begun is nearly as good as a word finished; one with a typo is worse than either.
BEGUN, LIKE = 0.9, 0.8


def best(entries: Iterable[Entry], asked: Sequence[str]) -> list[Entry]:
    """Entries by likeness to the words asked for; equals by name, uid and identifier."""
    return sorted(entries, key=lambda entry: (-_likeness(entry, asked), _alphabetical(entry)))


def _alphabetical(entry: Entry) -> tuple[str, str, str]:
    return words.fold(entry.person.name), entry.person.uid, entry.person.id


def _likeness(entry: Entry, asked: Sequence[str]) -> float:
    total = sum(max((closeness(word, term) for term in entry.terms), default=0) for word in asked)
    # Floats that differ in the last bit must not decide over the tie-break.
    return round(total, 6)


def closeness(word: str, term: str) -> float:
    """How near a typed word is to a term: 1 if they are equal, 0 if they share nothing."""
    if word == term:
        return 1.0
    if term.startswith(word):
        return BEGUN + (1 - BEGUN) * len(word) / len(term)
    whole = OSA.normalized_similarity(word, term)
    begun = OSA.normalized_similarity(word, term[: len(word)]) * BEGUN
    return LIKE * max(whole, begun)
