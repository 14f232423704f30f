"""What the messages of a content synchronisation (RFC 4533) mean for who is in the index.

Pure: takes one message after the other, says whom to put and whom to remove. The rules, of which
servers make different use:

* an entry with a state of add or modify is put, whatever was known of it: while refreshing, servers
  send what was changed or renamed as added;
* a present phase mentions everybody who is there, with or without the entry: who was not mentioned
  when it ends is gone. A delete phase mentions who is gone;
* where everything was asked for (no cookie) who was not mentioned is gone too, whatever the phase:
  the server takes for granted that we know nobody;
* a cookie counts from the end of refreshing on. One that came before would say that we have what is
  still to come.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from cloudhands.common.errors import DirectoryError
from cloudhands.web.index import wire
from cloudhands.web.index.sync import controls
from cloudhands.web.index.sync.controls import IdSet, Kind, NewCookie, Phase

SUCCESS = 0
# It is kept with every commit; slapd's has some fifty bytes for each server.
LONGEST_COOKIE = 1 << 16


class Put(NamedTuple):
    """An entry that is there, as it is now."""

    id: str
    attributes: Mapping[str, Sequence[bytes]]


class Remove(NamedTuple):
    """Identifiers of those who are gone, or not ours any more; some may never have been known."""

    ids: frozenset[str]


class Ended(Exception):
    """The server has ended the operation, with another result than success.

    :param result: RFC 4511's and RFC 4533's number.
    :param words: the server's own.
    """

    def __init__(self, result: int, words: str) -> None:
        super().__init__(f"result {result} {words}".strip())
        self.result = result


Change = Put | Remove


class Refresh:
    """One sync operation, from its first message to its last.

    :param known: gives who is in the index; asked at most once, where a phase needs it.
    :param cookie: what the request held; empty if everything was asked for.
    """

    def __init__(self, known: Callable[[], Collection[str]], cookie: bytes) -> None:
        self._known = known
        self._everything = not cookie
        self._mentioned: set[str] = set()
        self._latest = b""
        self.cookie = cookie
        self.refreshed = False
        self.ended = False

    def take(self, message: wire.Entry | wire.Info | wire.Done) -> list[Change]:
        """The changes that a message brings.

        :raises Ended: if the server has refused, or given up.
        :raises DirectoryError: if the message makes no sense here.
        """
        try:
            return self._take(message)
        except ValueError as error:
            raise DirectoryError(f"the directory's sync cannot be understood: {error}") from error

    def _take(self, message: wire.Entry | wire.Info | wire.Done) -> list[Change]:
        if isinstance(message, wire.Entry):
            return self._entry(message)
        if isinstance(message, wire.Done):
            return self._done(message)
        return self._info(message) if message.oid == controls.SYNC_INFO else []

    def _entry(self, entry: wire.Entry) -> list[Change]:
        if controls.SYNC_STATE not in entry.controls:
            raise ValueError("an entry without its state")
        state = controls.state(entry.controls[controls.SYNC_STATE])
        self._stands(state.cookie)
        if state.kind is Kind.DELETE:
            return self._gone(frozenset((state.id,)))
        self._mention((state.id,))
        return [] if state.kind is Kind.PRESENT else [Put(state.id, entry.attributes)]

    def _info(self, message: wire.Info) -> list[Change]:
        told = controls.info(message.value)
        self._stands(told.cookie)
        if isinstance(told, NewCookie):
            return []
        if isinstance(told, IdSet):
            if told.deletes:
                return self._gone(told.ids)
            self._mention(told.ids)
            return []
        return self._phase(told)

    def _done(self, message: wire.Done) -> list[Change]:
        self.ended = True
        if message.result != SUCCESS:
            raise Ended(message.result, message.message)
        if self.refreshed:
            return []
        if controls.SYNC_DONE not in message.controls:
            raise ValueError("it ended without a word on where it stands")
        told = controls.done(message.controls[controls.SYNC_DONE])
        self._stands(told.cookie)
        return self._phase(told)

    def _phase(self, told: Phase) -> list[Change]:
        """The end of a phase: of a present phase, of a delete phase, or of all refreshing."""
        if self.refreshed:
            return []
        missing: frozenset[str] = frozenset()
        if (told.done and self._everything) or not (told.deletes or self._everything):
            missing = frozenset(self._known()) - self._mentioned
        if told.done:
            self.refreshed = True
            self._mentioned = set()
            self._stands(b"")
        return [Remove(missing)] if missing else []

    def _gone(self, ids: frozenset[str]) -> list[Change]:
        self._mentioned -= ids
        return [Remove(ids)] if ids else []

    def _mention(self, ids: Collection[str]) -> None:
        if not self.refreshed:
            self._mentioned.update(ids)

    def _stands(self, cookie: bytes) -> None:
        if len(cookie) > LONGEST_COOKIE:
            raise ValueError(f"a cookie of {len(cookie):,} bytes")
        self._latest = cookie or self._latest
        if self.refreshed and self._latest:
            self.cookie = self._latest
