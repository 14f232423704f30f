"""What several artifacts take of limits, and give back, in one transaction: each row once, at last.

A row of limits is what all launches of an organisation come by: whoever has changed it keeps the
others waiting until the transaction ends. So shares are summed up and written at its end, in the
order in which everybody locks them (`cloudhands.common.placement.commands`).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from cloudhands.common import limits
from cloudhands.common.limits import Amounts, Limited
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.tables import Subscription

# What the cloud said of its quota counts no more.
_FORGET_QUOTA = (
    update(Subscription)
    .where(Subscription.id == bindparam("row"), Subscription.read_at.is_not(None))
    .values(read_at=None)
    .execution_options(synchronize_session=False)
)

_ORDER: Mapping[type[Limited], int] = {Subscription: 0, Organisation: 1}


class _Row(NamedTuple):
    model: type[Limited]
    id: int


class Shares:
    """Shares of one transaction, to be settled before it is committed."""

    def __init__(self) -> None:
        self._given: dict[_Row, Amounts] = {}
        self._taken: dict[_Row, Amounts] = {}
        self._reserved: dict[_Row, Amounts] = {}
        self._roomy: set[_Row] = set()
        self._full: dict[_Row, dict[str, datetime]] = {}

    def give_back(self, model: type[Limited], row_id: int, amounts: Amounts) -> None:
        """See `limits.give_back`."""
        _add(self._given, _Row(model, row_id), amounts)

    def take(self, model: type[Limited], row_id: int, amounts: Amounts) -> None:
        """See `limits.take`."""
        _add(self._taken, _Row(model, row_id), amounts)

    def reserve(self, model: type[Limited], row_id: int, amounts: Amounts) -> None:
        """See `limits.reserve`."""
        _add(self._reserved, _Row(model, row_id), amounts)

    def has_room(self, subscription_id: int) -> None:
        """A server has ended there: the cloud has room again, whatever it said of its quota."""
        self._roomy.add(_Row(Subscription, subscription_id))

    def mark_full(self, subscription_id: int, column: str, until: datetime) -> None:
        """Remember that the cloud has no room, or no address, for the organisation.

        :param column: where that is remembered.
        """
        self._full.setdefault(_Row(Subscription, subscription_id), {})[column] = until

    def settle(self, session: Session) -> None:
        """Write them down.

        :raises LimitReached: if a limit would be passed by what is reserved.
        """
        rows = {*self._given, *self._taken, *self._reserved, *self._roomy, *self._full}
        for row in sorted(rows, key=lambda row: (_ORDER[row.model], row.id)):
            self._settle(session, row)

    def _settle(self, session: Session, row: _Row) -> None:
        unconditional: tuple[tuple[Mapping[_Row, Amounts], Callable[..., None]], ...] = (
            (self._given, limits.give_back),
            (self._taken, limits.take),
        )
        for amounts, change in unconditional:
            if any(amounts.get(row, ())):
                change(session, *row, amounts[row])
        if row in self._roomy:
            session.execute(_FORGET_QUOTA, {"row": row.id})
        if row in self._full:
            marks = {**self._full[row], "version": Subscription.version + 1}
            session.execute(
                update(Subscription).where(Subscription.id == row.id).values(marks),
                execution_options={"synchronize_session": False},
            )
        if row in self._reserved:
            limits.reserve(session, *row, self._reserved[row], "it")


def _add(sums: dict[_Row, Amounts], row: _Row, amounts: Amounts) -> None:
    sums[row] = Amounts(*map(sum, zip(sums.get(row, Amounts()), amounts, strict=True)))
