"""Whoosh, the peer of the search: the same people, the same words, fewer steps.

It gets what makes ours quick: words of names in a field of their own, typos only if nobody matches
without (ours looks for them too where few do). It is not asked to put what it finds in order by
likeness, which ours does.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from whoosh import fields, index, query

from cloudhands.web.index import documents
from cloudhands.web.index import query as ours
from cloudhands.web.index.decode import Entry
from cloudhands.web.index.people import CANDIDATES

BUFFER_MEGABYTES = 512
SCHEMA = fields.Schema(id=fields.STORED, names=fields.KEYWORD, codes=fields.KEYWORD)


class Whoosh:
    """An index of Whoosh in a folder.

    :param folder: is made.
    :param entries: the people in it.
    """

    def __init__(self, folder: Path, entries: Iterable[Entry]) -> None:
        folder.mkdir()
        made = index.create_in(str(folder), SCHEMA)
        writer = made.writer(limitmb=BUFFER_MEGABYTES)
        for entry in entries:
            writer.add_document(**_fields(entry))
        writer.commit()
        self._searcher = made.searcher()

    def search(self, text: str) -> Sequence[str]:
        """The identifiers of people who match."""
        typed = ours.chunks(text)
        found: list[str] = []
        for distance in (0, 1, 2):
            if not found:
                hits = self._searcher.search(_query(typed, distance), limit=CANDIDATES)
                found = [hit["id"] for hit in hits]
        return found


def _fields(entry: Entry) -> dict[str, Any]:
    by_field = documents.fields(entry)
    return {
        "id": entry.person.id,
        "names": " ".join(term for field, term in by_field if field == documents.NAMES),
        "codes": " ".join(term for field, term in by_field if field == documents.CODES),
    }


def _query(typed: Sequence[ours.Chunk], distance: int) -> query.Query:
    words = [word for chunk in typed for word in chunk.words]
    return query.And([_word(word, distance) for word in words])


def _word(word: str, distance: int) -> query.Query:
    ways: list[query.Query] = [query.Prefix("names", word), query.Prefix("codes", word)]
    if forgiven := min(distance, ours.typos(word)):
        ways.append(query.FuzzyTerm("names", word, maxdist=forgiven, prefixlength=0))
    return query.Or(ways)
