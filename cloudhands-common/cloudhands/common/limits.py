"""What an organisation may take, and what of it each cloud may give: agreed limits.

A share is reserved by one conditional update of one row, whoever else tries at the same moment:
the organisation's with the request, the subscription's with the placement. It is given back when
the thing is confirmed gone; a stopped server still counts. A limit may be set below what is in
use: that stops new requests only.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import Field
from sqlalchemy import CheckConstraint, bindparam, inspect, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.util import identity_key

from cloudhands.common.db import prepared
from cloudhands.common.errors import LimitReached
from cloudhands.common.forms import Form

WORDS: Mapping[str, str] = {
    "appliances": "appliances",
    "vcpus": "vCPUs",
    "memory_mb": "MB of memory",
    "storage_gb": "GB of storage",
    "addresses": "external addresses",
}
"""What can be limited, and what people call it."""

MOST = 2**31 - 1
Limit = Annotated[int | None, Field(ge=0, le=MOST)]


class Amounts(NamedTuple):
    """How much of each; the names are those of `WORDS`."""

    appliances: int = 0
    vcpus: int = 0
    memory_mb: int = 0
    storage_gb: int = 0
    addresses: int = 0


def larger(one: Amounts, other: Amounts) -> Amounts:
    """Of each thing the larger amount: what is held while one becomes the other."""
    return Amounts(*map(max, one, other))


def beyond(one: Amounts, other: Amounts) -> Amounts:
    """Of each thing by how much the first is more than the second."""
    return Amounts(*(max(mine - theirs, 0) for mine, theirs in zip(one, other, strict=True)))


class Limits(Form):
    """Limits to set: a number, or none for no limit; what is not named stays as it is."""

    appliances: Limit = None
    vcpus: Limit = None
    memory_mb: Limit = None
    storage_gb: Limit = None
    addresses: Limit = None


class Use(NamedTuple):
    """How much of one thing is reserved, of how much; `limit` is None where there is none."""

    name: str
    used: int
    limit: int | None


def _used(name: str) -> Mapped[int]:
    check = CheckConstraint(f"{name}_used >= 0", name=f"{name}_used")
    return mapped_column(check, default=0, server_default="0")


class Limited:
    """Columns of what has limits: of each thing how much is reserved, and how much may be."""

    id: Mapped[int]

    appliances_used: Mapped[int] = _used("appliances")
    vcpus_used: Mapped[int] = _used("vcpus")
    memory_mb_used: Mapped[int] = _used("memory_mb")
    storage_gb_used: Mapped[int] = _used("storage_gb")
    addresses_used: Mapped[int] = _used("addresses")

    appliances_limit: Mapped[int | None]
    vcpus_limit: Mapped[int | None]
    memory_mb_limit: Mapped[int | None]
    storage_gb_limit: Mapped[int | None]
    addresses_limit: Mapped[int | None]

    @property
    def uses(self) -> Sequence[Use]:
        """What is reserved of each thing, as this row was read."""
        return [
            Use(name, getattr(self, f"{name}_used"), getattr(self, f"{name}_limit"))
            for name in WORDS
        ]


def shortage(row: Limited, amounts: Amounts) -> str:
    """Which limit would be passed, as the end of a sentence; empty if none would."""
    for use in row.uses:
        wanted = getattr(amounts, use.name)
        if wanted and use.limit is not None and use.used + wanted > use.limit:
            return _sentence(use, wanted)
    return ""


def _sentence(use: Use, wanted: int) -> str:
    left, words = (use.limit or 0) - use.used, WORDS[use.name]
    if left <= 0:
        return f"has used up its limit of {use.limit:,} {words}"
    return f"has {left:,} of {use.limit:,} {words} left, and this takes {wanted:,}"


def reserve(
    session: Session, model: type[Limited], row_id: int, amounts: Amounts, who: str
) -> None:
    """Take a share, all of it or nothing.

    :param who: whose limit it is, for the sentence.
    :raises LimitReached: if a limit would be passed; the sentence names it.
    """
    taken = _change(session, model, row_id, amounts, _reserving)
    if not taken:
        row = session.scalars(
            select(model).where(model.id == row_id).execution_options(populate_existing=True)
        ).one()
        why = shortage(row, amounts) or "had no room a moment ago"
        raise LimitReached(f"{who} {why}. Delete something, or ask for a higher limit.")


def take(session: Session, model: type[Limited], row_id: int, amounts: Amounts) -> None:
    """Write down a share that is taken already, also where that passes a limit."""
    _change(session, model, row_id, amounts, _adding)


def give_back(session: Session, model: type[Limited], row_id: int, amounts: Amounts) -> None:
    """Give a share back, once what it was for is confirmed gone.

    The database refuses to give back what was not taken.
    """
    _change(session, model, row_id, Amounts(*(-amount for amount in amounts)), _adding)


def set_limits(row: Limited, wanted: Limits) -> str:
    """Set limits, also below what is in use.

    :returns: what changed, in words; empty if nothing did.
    """
    changes = []
    for name in sorted(wanted.model_fields_set):
        before, after = getattr(row, f"{name}_limit"), getattr(wanted, name)
        if before != after:
            setattr(row, f"{name}_limit", after)
            changes.append(f"{WORDS[name]}: {_number(after)} instead of {_number(before)}")
    return "; ".join(changes)


def _number(limit: int | None) -> str:
    return "no limit" if limit is None else f"{limit:,}"


_Share = tuple[type[Limited], tuple[str, ...]]


def _change(
    session: Session,
    model: type[Limited],
    row_id: int,
    amounts: Amounts,
    statement: Callable[[_Share], Any],
) -> bool:
    """Change what is used, in one statement; False if that changed nothing.

    What the session has read of the row tells it too: the next to be placed reckons with it.
    """
    changes = {name: amount for name, amount in amounts._asdict().items() if amount}
    if not changes:
        return True
    made = statement((model, tuple(changes)))
    used = prepared(session).execute(made, {"row": row_id, **changes}).one_or_none()
    read = session.identity_map.get(identity_key(model, row_id))
    if read is not None:
        columns = [f"{name}_used" for name in changes]
        if used is None or session.in_nested_transaction():
            session.expire(read, columns)  # it may be taken back
        else:
            for column, now in zip(columns, used, strict=True):
                set_committed_value(read, column, now)
    return used is not None


# Made once for what the catalogue's sizes take: they are asked for with every launch.
@functools.lru_cache(maxsize=64)
def _reserving(share: _Share) -> Any:
    """Takes some amounts, all of them or nothing.

    Of what is not asked for, more may be in use than there is.
    """
    model, names = share
    limits = {name: getattr(model, f"{name}_limit") for name in names}
    fitting = [or_(limits[n].is_(None), _sum(model, n) <= limits[n]) for n in names]
    return _adding(share).where(*fitting)


@functools.lru_cache(maxsize=64)
def _adding(share: _Share) -> Any:
    """Adds some amounts, which may be less than nothing, to what is used."""
    model, names = share
    table = inspect(model).local_table
    used = [table.c[f"{name}_used"] for name in names]
    changed = {f"{name}_used": _sum(model, name) for name in names}
    return update(table).where(table.c.id == bindparam("row")).values(changed).returning(*used)


def _sum(model: type[Limited], name: str) -> Any:
    return getattr(model, f"{name}_used") + bindparam(name)
