"""Search for people: what the portal asks on every keystroke, answered without the directory."""

from datetime import datetime
from pathlib import Path

from cloudhands.common.errors import IndexUnavailable
from cloudhands.common.person import Person
from cloudhands.web.index import engine, query, ranking

# As many candidates are ranked as a page could show, and enough to hold the one that is meant.
CANDIDATES = 100
LIMIT = 20


class People:
    """The people of the last sync, for any number of threads; follows the index by itself.

    :param folder: the index's folder of the settings; it need not be there yet.
    """

    def __init__(self, folder: Path) -> None:
        self._reader = engine.Reader(folder)

    def search(self, text: str, limit: int = LIMIT) -> list[Person]:
        """People who match what somebody typed, best first; nobody for a text without a word.

        Words in any order, begun or finished, with or without accents, a typo in a word of four
        letters and two in one of seven; by name, uid or mail address. Any text is allowed, of any
        length; only its beginning counts.

        :param limit: how many at most, up to `CANDIDATES`.
        :raises IndexUnavailable: before the first sync.
        """
        snapshot = self._reader.snapshot()
        wanted = query.build(text)
        if wanted is None:
            return []
        found = ranking.best(snapshot.entries(wanted, CANDIDATES), query.asked(text))
        return [entry.person for entry in found[: max(0, limit)]]

    def get(self, id: str) -> Person | None:
        """The person with an identifier, or None.

        :raises IndexUnavailable: before the first sync.
        """
        snapshot = self._reader.snapshot()
        # No identifier has other signs, and some of them cannot be looked up.
        if not id.isprintable():
            return None
        found = snapshot.entries(engine.exactly(engine.ID, id), 1)
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
