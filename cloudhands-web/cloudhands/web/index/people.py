"""Search for people: what the portal asks on every keystroke, answered without the directory."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cloudhands.common.errors import IndexUnavailable
from cloudhands.common.person import Person
from cloudhands.web.index import documents, engine, query, ranking, words
from cloudhands.web.index.decode import Entry
from cloudhands.web.index.query import Chunk, Level

# As many candidates are ranked as a page could show, and enough to hold the one that is meant.
CANDIDATES = 100
LIMIT = 20
# So many who match as it was typed are answer enough: nobody then looks for typing errors.
ENOUGH = 5


class People:
    """The people of the last sync, for any number of threads; follows the index by itself.

    :param folder: the index's folder of the settings; it need not be there yet.
    """

    def __init__(self, folder: Path) -> None:
        self._reader = engine.Reader(folder)

    def search(self, text: str, limit: int = LIMIT) -> list[Person]:
        """People who match what somebody typed, best first; nobody for a text without a word.

        Words in any order, begun or finished, with or without accents; by name, uid, mail address
        or the whole uidNumber. If hardly anybody matches so, also with a typo in a word of four
        letters and two in one of seven. Any text is allowed, of any length; only its beginning
        counts. The same people and the same text give the same answer.

        :param limit: how many at most, up to `CANDIDATES`.
        :raises IndexUnavailable: before the first sync.
        """
        snapshot = self._reader.snapshot()
        typed = query.chunks(text)
        if not typed or limit < 1:
            return []
        found = ranking.best(_candidates(snapshot, typed, limit), query.asked(typed))
        return [entry.person for entry in found[:limit]]

    def get(self, id: str) -> Person | None:
        """The person with an identifier, or None.

        :raises IndexUnavailable: before the first sync.
        """
        snapshot = self._reader.snapshot()
        # No identifier has other signs, and some of them cannot be looked up.
        if not id.isprintable():
            return None
        found = snapshot.entries(engine.exactly(documents.ID, id), 1)
        return found[0].person if found else None

    def synced(self) -> datetime:
        """When the people were read from the directory, UTC.

        :raises IndexUnavailable: before the first sync.
        """
        return self._reader.snapshot().synced

    def revision(self) -> str:
        """Another one after every sync; empty before the first."""
        try:
            return self._reader.snapshot().revision
        except IndexUnavailable:
            return ""


def _candidates(snapshot: engine.Snapshot, typed: Sequence[Chunk], limit: int) -> list[Entry]:
    """Those who match at the first level that finds enough, and at those before it."""
    found: dict[str, Entry] = {}
    for level in query.levels(typed):
        matching = snapshot.entries(query.build(typed, level), CANDIDATES)
        found.update((entry.person.id, entry) for entry in matching)
        if _is_enough(level, list(found.values()), typed, limit):
            break
    return list(found.values())


def _is_enough(level: Level, found: list[Entry], typed: Sequence[Chunk], limit: int) -> bool:
    if level == Level.EXACT:
        return len(found) >= limit
    if level == Level.BEGUN:
        return len(found) >= min(ENOUGH, limit) or any(_is_named(one, typed) for one in found)
    return bool(found)


def _is_named(entry: Entry, typed: Sequence[Chunk]) -> bool:
    """Whether the uid or the address was typed: then nobody else is meant."""
    names = (words.fold(entry.person.uid), words.fold(entry.person.mail))
    return any(word in names for chunk in typed for word in chunk.words)
