"""How statements go to PostgreSQL: never so that nobody ends the transaction of a frozen process.

psycopg's `executemany` sends many in a pipeline and a Flush after the Sync at its end. With the
Sync PostgreSQL starts the clock of `idle_in_transaction_session_timeout`, with the Flush it stops
it, and starts it again only after the next statement (seen with PostgreSQL 15): the locks of a
process that is frozen between the two are held until it goes on.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg


class OneByOne(psycopg.Cursor[Any]):
    """A cursor that sends many one after the other, without a pipeline."""

    _counted: int | None = None

    @property
    def rowcount(self) -> int:
        """How many rows the last statement, or all of the last many, concerned."""
        return super().rowcount if self._counted is None else self._counted

    def execute(self, *arguments: Any, **options: Any) -> "OneByOne":
        """See psycopg."""
        self._counted = None
        return super().execute(*arguments, **options)

    def executemany(
        self,
        query: Any,
        params_seq: Iterable[Sequence[Any] | Mapping[str, Any]],
        *,
        returning: bool = False,
    ) -> None:
        """See psycopg; what the statements return is not kept.

        :raises NotSupportedError: if it shall be kept.
        """
        if returning:
            raise psycopg.NotSupportedError("many statements together return nothing here")
        total = 0
        for each in params_seq:
            self.execute(query, each, prepare=True)
            total += max(super().rowcount, 0)
        self._counted = total
