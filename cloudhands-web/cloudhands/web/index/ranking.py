"""Puts matches in the order in which people expect them; the same matches, always the same order.

The index says who matches; which of a hundred candidates is meant shows only in how much of each
word was typed, and how closely.
"""

from collections.abc import Iterable, Sequence

from rapidfuzz.distance import OSA

from cloudhands.web.index import words
from cloudhands.web.index.decode import Entry

# A word begun is nearly as good as a word finished; one with a typo is worse than either.
BEGUN, LIKE = 0.9, 0.8


def best(entries: Iterable[Entry], asked: Sequence[str]) -> list[Entry]:
    """Entries by likeness to the words asked for, whole names before parts of longer ones; equals
    by name, uid and identifier."""
    likeness = Likeness(asked)
    return sorted(entries, key=lambda entry: (-likeness.of(entry), *_alphabetical(entry)))


def _alphabetical(entry: Entry) -> tuple[int, str, str, str]:
    name = words.fold(entry.person.name)
    return len(words.parts(name)), name, entry.person.uid, entry.person.id


class Likeness:
    """How near entries are to the words asked for.

    Candidates share many names: each is compared once.
    """

    def __init__(self, asked: Sequence[str]) -> None:
        self._known: list[tuple[str, dict[str, float]]] = [(word, {}) for word in asked]

    def of(self, entry: Entry) -> float:
        """The sum over the words of how near the nearest term is; rounded, since floats that
        differ in the last bit must not decide over the tie-break."""
        return round(sum(_nearest(word, known, entry.terms) for word, known in self._known), 6)


def _nearest(word: str, known: dict[str, float], terms: Sequence[str]) -> float:
    if word in terms:
        return 1.0
    nearest = 0.0
    for term in terms:
        found = known.get(term)
        if found is None:
            found = known[term] = closeness(word, term)
        nearest = max(nearest, found)
    return nearest


def closeness(word: str, term: str) -> float:
    """How near a typed word is to a term: 1 if they are equal, 0 if they share nothing."""
    if word == term:
        return 1.0
    if term.startswith(word):
        return BEGUN + (1 - BEGUN) * len(word) / len(term)
    whole = OSA.normalized_similarity(word, term)
    begun = OSA.normalized_similarity(word, term[: len(word)]) * BEGUN
    return LIKE * max(whole, begun)
