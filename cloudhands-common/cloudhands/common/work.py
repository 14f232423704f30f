"""Which artifact is due: the rows themselves are the queue.

A wish makes its artifact due at once (`wake`). A worker claims what is due for a while, looks
at the world without holding a transaction, and records what it saw only while it still holds
the claim: the token fences a worker that was frozen past its claim. What is at rest has no
`due_at` and costs nothing, because the index of due rows does not hold it.
"""

import functools
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Index,
    Integer,
    ScalarSelect,
    Select,
    bindparam,
    case,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql.dml import ReturningUpdate

from cloudhands.common.db import Artifact, UtcDateTime
from cloudhands.common.errors import ClaimLost

CHANNEL = "cloudhands_work"
# In how many parts those come that are woken together.
PARTS = 10
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class Due(Artifact):
    """Columns of an artifact that a worker takes care of.

    `wanted_version` rises with every wish, so that a worker that decided on an older wish knows.
    `attempt` counts what failed in a row, for the backoff.
    """

    wanted_version: Mapped[int] = mapped_column(default=1)
    due_at: Mapped[datetime | None]
    claim_token: Mapped[str | None]
    claim_until: Mapped[datetime | None]
    attempt: Mapped[int] = mapped_column(default=0)


class DueLater(Due):
    """The same for a table that had rows before a worker took care of them."""

    wanted_version: Mapped[int] = mapped_column(default=1, server_default="1")
    attempt: Mapped[int] = mapped_column(default=0, server_default="0")


def due_index(table: str) -> Index:
    """The index over what is due and nothing else."""
    return Index(
        f"ix_{table}_due",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    )


@dataclass(frozen=True)
class Claim:
    """The right to act on one artifact for a while.

    :param wanted_version: the wish as it was when the claim was taken.
    """

    model: type[Due]
    id: int
    token: str
    wanted_version: int


Takable = tuple[ColumnElement[bool], ...]
"""What must hold, besides, of what may be taken."""

Queue = tuple[type[Due], Takable]


def claim(
    connection: Connection | Session,
    model: type[Due],
    now: datetime,
    seconds: float,
    limit: int,
    *where: ColumnElement[bool],
) -> Sequence[Claim]:
    """Take up to `limit` artifacts that are due and that nobody holds, the longest due first.

    :param connection: a writing session, or its connection, which takes half the time.
    :param seconds: how long the claim lasts.
    :param where: what else must hold.
    """
    token = secrets.token_hex(16)
    values = {"now": now, "most": limit, "token": token, "until": now + timedelta(seconds=seconds)}
    rows = connection.execute(
        _claiming((model, where), _dialect(connection)),
        values,
        execution_options={"synchronize_session": False},
    )
    # They come back in any order.
    taken = sorted(rows, key=lambda row: (row.due_at, row.id))
    return [Claim(model, row.id, token, row.wanted_version) for row in taken]


# Made once for each kind: a worker asks for it before whatever it takes in hand.
@functools.lru_cache(maxsize=64)
def _claiming(queue: Queue, dialect: str) -> ReturningUpdate[datetime | None, int, int]:
    model, where = queue
    return (
        update(model)
        .where(model.id.in_(_due(model, where, dialect)))
        .values(claim_token=bindparam("token"), claim_until=bindparam("until"))
        .returning(model.due_at, model.id, model.wanted_version)
    )


def _due(model: type[Due], where: Takable, dialect: str) -> Select[int]:
    now = bindparam("now", type_=UtcDateTime())
    due = select(model.id).where(model.due_at <= now, _free(model, now), *where)
    due = due.order_by(model.due_at, model.id).limit(bindparam("most", type_=Integer()))
    if dialect == "postgresql":
        # A common table expression that locks is run once. A mere subquery may be run again for
        # every row of a nested loop, and would each time skip what it has locked and find others.
        locking = due.with_for_update(skip_locked=True, key_share=True).cte("due")
        return select(locking.c.id)
    return due


def _dialect(connection: Connection | Session) -> str:
    if isinstance(connection, Session):
        return connection.get_bind().dialect.name
    return connection.dialect.name


def _free(model: type[Due], now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return or_(model.claim_until.is_(None), model.claim_until <= now)


def seize(
    session: Session, model: type[Due], id_: int, now: datetime, seconds: float
) -> Claim | None:
    """Claim one artifact whether it is due or not, to keep others from it; None if it is held.

    One that was at rest is looked at once when the claim would have ended: should this process be
    killed, nothing rests in its hand.

    :param session: a writing one.
    :param seconds: how long the claim lasts; `leave` ends it before.
    """
    token, until = secrets.token_hex(16), now + timedelta(seconds=seconds)
    wanted = session.scalar(
        update(model)
        .where(model.id == id_, _free(model, now))
        .values(
            claim_token=token,
            claim_until=until,
            due_at=func.coalesce(model.due_at, until, type_=UtcDateTime()),
        )
        .returning(model.wanted_version)
        .execution_options(synchronize_session=False)
    )
    return None if wanted is None else Claim(model, id_, token, wanted)


def leave(session: Session, seized: Claim) -> None:
    """Give back what was seized; no effect if another holds it since."""
    session.execute(
        update(seized.model)
        .where(seized.model.id == seized.id, seized.model.claim_token == seized.token)
        .values(claim_token=None, claim_until=None)
        .execution_options(synchronize_session=False)
    )
    _notify(session)  # a wish may have come meanwhile


def next_due(session: Session, model: type[Due], *where: ColumnElement[bool]) -> datetime | None:
    """When something will have to be looked at again: its due time, or a claim's end.

    It costs what is in hand, however much becomes due later: what is claimed and became due after
    the first that is free does not matter.

    :param where: what must hold of it.
    """
    (moment,) = next_of_each(session, ((model, where),))
    return moment


def next_of_each(
    connection: Connection | Session, queues: tuple[Queue, ...]
) -> Sequence[datetime | None]:
    """The `next_due` of each of several kinds, in one query."""
    found = connection.execute(_moments(queues, _dialect(connection))).one()
    pairs = zip(found[::2], found[1::2], strict=True)
    return [min((at for at in pair if at is not None), default=None) for pair in pairs]


# Made once: a worker asks for it whenever it has a hand free.
@functools.lru_cache(maxsize=64)
def _moments(queues: tuple[Queue, ...], dialect: str) -> Select[*tuple[Any, ...]]:
    return select(*(moment for queue in queues for moment in _next(*queue, dialect)))


def _next(model: type[Due], where: Takable, dialect: str) -> Sequence[ScalarSelect[Any]]:
    """When the first that is free is due, and when the first that is not may be taken."""
    later_of = "greatest" if dialect == "postgresql" else "max"
    free = (
        select(model.due_at)
        .where(model.due_at.is_not(None), model.claim_until.is_(None), *where)
        .order_by(model.due_at)
        .limit(1)
        .scalar_subquery()
    )
    moment = getattr(func, later_of)(model.due_at, model.claim_until, type_=UtcDateTime())
    claimed = (
        select(func.min(moment, type_=UtcDateTime()))
        .where(
            model.due_at.is_not(None),
            model.claim_until.is_not(None),
            model.due_at <= func.coalesce(free, NEVER, type_=UtcDateTime()),
            *where,
        )
        .scalar_subquery()
    )
    return free, claimed


class Backlog(NamedTuple):
    """How many artifacts are due that nobody holds, and since when the longest is."""

    number: int
    oldest: datetime | None


def backlog(session: Session, model: type[Due], now: datetime) -> Backlog:
    """What is due and waits for a worker, in one query that costs what is due."""
    due = select(func.count(), func.min(model.due_at, type_=UtcDateTime()))
    number, oldest = session.execute(due.where(model.due_at <= now, _free(model, now))).one()
    return Backlog(number, oldest)


def held(session: Session, taken: Claim) -> Any:
    """The artifact, locked for this transaction, while the claim is still ours.

    :raises ClaimLost: if another worker has taken it since.
    """
    artifact = held_of(session, (taken,)).get(taken)
    if artifact is None:
        raise lost(taken)
    return artifact


def held_of(session: Session, taken: Sequence[Claim]) -> Mapping[Claim, Any]:
    """The artifacts of several claims on one kind, locked, without those that were lost."""
    query = _holding((taken[0].model,))
    values = {"ids": [one.id for one in taken], "tokens": [one.token for one in taken]}
    # The row's token: what the session has read before may have another.
    found = {(row.id, token): row for row, token in session.execute(query, values)}
    return {one: found[one.id, one.token] for one in taken if (one.id, one.token) in found}


def lost(taken: Claim) -> ClaimLost:
    """The error of a claim that is not ours any more."""
    return ClaimLost(f"{taken.model.kind} {taken.id} is claimed by another worker")


# Made once for each kind: every change that a worker records asks for it.
@functools.cache
def _holding(kinds: tuple[type[Due]]) -> Select[*tuple[Any, ...]]:
    (model,) = kinds
    return (
        select(model, model.claim_token)
        .where(
            model.id.in_(bindparam("ids", expanding=True)),
            model.claim_token.in_(bindparam("tokens", expanding=True)),
        )
        # Whoever locks several locks them in this order.
        .order_by(model.id)
        # Others may write rows that point to it: no key is changed here.
        .with_for_update(key_share=True)
    )


def renew(artifact: Due, now: datetime, seconds: float) -> None:
    """Hold the claim on a held artifact for longer."""
    artifact.claim_until = now + timedelta(seconds=seconds)


def release(artifact: Due, taken: Claim, due_at: datetime | None, now: datetime) -> None:
    """Give a held artifact back, to be looked at again at `due_at`, or left at rest.

    A wish that came since the claim was taken is never slept over.
    """
    newer_wish = artifact.wanted_version != taken.wanted_version
    artifact.due_at = now if newer_wish else due_at
    artifact.claim_token = None
    artifact.claim_until = None


def wake(session: Session, artifact: Due, now: datetime) -> None:
    """Make an artifact due at once, whatever backoff it was in, and tell the workers."""
    artifact.wanted_version += 1
    artifact.due_at = now
    artifact.attempt = 0
    _notify(session)


def wake_all(
    session: Session,
    model: type[Due],
    now: datetime,
    *where: ColumnElement[bool],
    spread: float = 0,
    wish: bool = False,
) -> int:
    """Make all due for which the conditions hold, whatever backoff they were in.

    :param spread: over how many seconds, so that many do not come at once.
    :param wish: whether what is in hand just now has to be looked at once more, as after `wake`.
    :returns: how many.
    """
    moments = {n: now + timedelta(seconds=n * spread / PARTS) for n in range(PARTS)}
    values: dict[str, Any] = {"due_at": case(moments, value=model.id % PARTS), "attempt": 0}
    if wish:
        values["wanted_version"] = model.wanted_version + 1
    # In one order: of two that wake the same, each would hold what the other waits for.
    ids = select(model.id).where(*where).order_by(model.id).with_for_update(key_share=True)
    woken = session.execute(
        update(model).where(model.id.in_(ids)).values(values).returning(model.id),
        execution_options={"synchronize_session": "fetch"},
    ).all()
    if woken:
        _notify(session)
    return len(woken)


def _notify(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"NOTIFY {CHANNEL}"))
