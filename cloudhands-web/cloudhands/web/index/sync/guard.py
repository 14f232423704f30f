"""Refuses to delete many people at once until an operator confirms it.

A filter that has been changed, a right to read that was taken away or a directory restored without
half of its people looks like many deletions; an institution hardly ever loses so many in an hour.
"""

import time
from collections import deque
from collections.abc import Callable

import structlog

from cloudhands.common.errors import DirectoryError

MISSING_SHARE = 0.2
# Fewer than these are deleted in any case: a share of a few people is nobody's mistake.
FEWEST = 10
WINDOW = 3600.0

log = structlog.get_logger(__name__)


class DeletionsRefused(DirectoryError):
    """So many people are gone from the directory that an operator has to confirm it."""


def never() -> bool:
    """Nobody has confirmed anything."""
    return False


class Guard:
    """Counts deletions, also those that come one by one, over an hour.

    :param share: the part of all people that may be deleted in an hour.
    :param confirmed: whether an operator has confirmed what was refused; asked when it matters.
    :param clock: seconds, for tests.
    """

    def __init__(
        self,
        share: float = MISSING_SHARE,
        confirmed: Callable[[], bool] = never,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._share = share
        self._confirmed = confirmed
        self._clock = clock
        self._deleted: deque[tuple[float, int]] = deque()
        self._passing = 0
        self._is_confirmed = False

    def require(self, deleted: int, before: int, after: int) -> None:
        """Let deletions pass; they count once they are `committed`.

        :param deleted: how many people of the index would be deleted.
        :param before: how many it has.
        :param after: how many it would have.
        :raises DeletionsRefused: if they are too many and nobody has confirmed it, or if nobody
            would be left.
        """
        self._passing, self._is_confirmed = 0, False
        if not deleted:
            return
        if not after:
            raise DeletionsRefused(
                f"the directory shows nobody; the index keeps its {before} people. Check "
                "directory.base, directory.people and what directory.bind_dn may read"
            )
        recent = self._recent()
        most = max(FEWEST, self._share * (before + recent))
        if deleted + recent > most:
            self._require_confirmation(deleted, recent, before)
        self._passing = deleted

    def committed(self) -> None:
        """What was let pass is done: it counts for an hour, but not if it was confirmed."""
        if self._is_confirmed:
            self._deleted.clear()
            log.warning("many people deleted, as confirmed", deleted=self._passing)
        elif self._passing:
            self._deleted.append((self._clock(), self._passing))
        self._passing, self._is_confirmed = 0, False

    def _require_confirmation(self, deleted: int, recent: int, before: int) -> None:
        if not self._confirmed():
            more = f", after {recent} in the last hour" if recent else ""
            raise DeletionsRefused(
                f"{deleted} of {before} people are gone from the directory{more}: more than "
                f"index.missing_share = {self._share:g} allows, so they are kept. Check "
                "directory.base, directory.people and what directory.bind_dn may read; if they "
                "are really gone, run cloud-index --confirm-deletions"
            )
        self._is_confirmed = True

    def _recent(self) -> int:
        limit = self._clock() - WINDOW
        while self._deleted and self._deleted[0][0] < limit:
            self._deleted.popleft()
        return sum(count for _, count in self._deleted)
