"""Finds what was changed in history by somebody who has not the installation's key file.

Every artifact's rows are read in their order and their links made again. What differs is named.
What no chain can show is an artifact that was taken back to an earlier state as a whole, its own
row included: that is what a checkpoint, kept outside the database, is for.
"""

import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, false, null, select, true
from sqlalchemy.orm import Session

from cloudhands.common import schema
from cloudhands.common.actor.tables import Actor, User
from cloudhands.common.db import Artifact, Database
from cloudhands.common.expiry.tables import Expiry
from cloudhands.common.history import chain, checkpoints
from cloudhands.common.history.checkpoints import Checkpoint
from cloudhands.common.history.tables import Touch, TouchText
from cloudhands.common.listing.tables import ProviderListing
from cloudhands.common.mail.tables import Message
from cloudhands.common.placement.tables import Budget
from cloudhands.common.provider.tables import Provider

BATCH = 2000

Progress = Callable[[int], object]
"""Called with the number of rows that have been read."""


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it was written.

    :param row: the touch's id; None where there is no row to point to.
    :param number: which of the artifact's rows it is or would be.
    """

    artifact: UUID | None
    what: str
    number: int | None = None
    row: int | None = None

    @property
    def sentence(self) -> str:
        """The finding in a line."""
        which = f"row {self.number} " if self.number else ""
        where = f"(touch {self.row}) " if self.row else ""
        return f"{self.artifact or 'history'}: {which}{where}{self.what}"


@dataclass(frozen=True)
class Verified:
    """What a verification has seen."""

    rows: int
    artifacts: int
    erased: int
    findings: Sequence[Finding]


class _Row(NamedTuple):
    id: int
    sealed: chain.Sealed
    link: str
    text: tuple[str | None, str | None, str | None] | None


class _Head(NamedTuple):
    """What an artifact's own row tells of its history.

    :param state: what its last row has to tell, too; None for what has no state.
    :param begun: whether there must be a row, since its first one was written with it.
    """

    number: int
    link: str
    state: str | None
    begun: bool


def verify(
    database: Database,
    secret: bytes,
    checkpoint: Checkpoint | None = None,
    progress: Progress = lambda count: None,
) -> Verified:
    """Look through all history, as it is at one moment; others may go on writing.

    :param secret: the installation's.
    :param checkpoint: taken earlier and kept elsewhere.
    """
    with database.snapshot() as session:
        found = verify_within(session, secret, progress)
        if checkpoint and not checkpoints.holds(session, checkpoint):
            what = (
                f"up to touch {checkpoint.last} it is not what it was at the checkpoint: rows were "
                "removed, added or written again since"
            )
            return replace(found, findings=[*found.findings, Finding(None, what)])
    return found


def verify_within(
    session: Session, secret: bytes, progress: Progress = lambda count: None
) -> Verified:
    """The same in a transaction in which nobody else changes what it reads."""
    key = chain.key(secret)
    findings: list[Finding] = []
    counts = {"rows": 0, "artifacts": 0, "erased": 0}
    heads = _heads(session)
    for artifact, group in groupby(_rows(session), lambda row: row.sealed.artifact):
        rows = list(group)
        counts["rows"] += len(rows)
        counts["artifacts"] += 1
        counts["erased"] += sum(1 for row in rows if row.text and row.text[2])
        findings += _check(key, artifact, rows, heads.pop(artifact, None))
        progress(counts["rows"])
    return Verified(findings=[*findings, *_without_rows(heads)], **counts)


def is_sealed_with(session: Session, secret: bytes) -> bool:
    """Whether what history there is was written with this secret, by one of its rows."""
    first = session.execute(_ROWS.where(Touch.number == 1).limit(1)).one_or_none()
    if first is None:
        return True
    _, *sealed, link, _, _, _, _ = first
    expected = chain.link(chain.key(secret), chain.BEGINNING, chain.Sealed(*sealed))
    return hmac.compare_digest(expected, link)


_ROWS = (
    select(
        Touch.id,
        Touch.artifact_kind,
        Touch.artifact_uuid,
        Touch.number,
        Actor.uuid,
        Touch.from_state,
        Touch.to_state,
        Touch.at,
        Touch.facts,
        Touch.text_digest,
        Touch.link,
        TouchText.touch_id,
        TouchText.salt,
        TouchText.why,
        TouchText.erased,
    )
    .outerjoin(Actor, Actor.id == Touch.actor_id)
    .outerjoin(TouchText, TouchText.touch_id == Touch.id)
    .order_by(Touch.artifact_uuid, Touch.number, Touch.id)
)


def _rows(session: Session) -> Iterator[_Row]:
    for id_, *sealed, link, text_id, salt, why, erased in session.execute(
        _ROWS, execution_options={"yield_per": BATCH}
    ):
        beside = (salt, why, erased) if text_id is not None else None
        yield _Row(id_, chain.Sealed(*sealed), link, beside)


def _heads(session: Session) -> dict[UUID, _Head]:
    found: dict[UUID, _Head] = {}
    for model in schema.artifacts():
        rows = session.execute(
            select(
                model.uuid,
                model.touch_count,
                model.last_link,
                getattr(model, "state", null()),
                _begun(model),
            )
        )
        found |= {uuid: _Head(*head) for uuid, *head in rows}
    return found


def _begun(model: type[Artifact]) -> ColumnElement[bool]:
    if model is Actor:
        return Actor.kind_of_actor == User.kind
    return false() if model in (Provider, ProviderListing, Message, Budget, Expiry) else true()


def _check(
    key: bytes, artifact: UUID, rows: Sequence[_Row], head: _Head | None
) -> Iterator[Finding]:
    wrong = [row for row, previous in _with_previous(rows) if not _fits(key, row, previous)]
    if len(wrong) == len(rows) > 1:
        yield Finding(artifact, f"all {len(rows)} rows were written without the key")
    else:
        for row in wrong:
            yield _of(row, "was changed, or written without the key")
    yield from _gaps(artifact, rows)
    for row in rows:
        if what := _wrong_text(key, row):
            yield _of(row, what)
    yield from _check_end(artifact, rows[-1], head)


def _of(row: _Row, what: str) -> Finding:
    return Finding(row.sealed.artifact, what, row.sealed.number, row.id)


def _with_previous(rows: Sequence[_Row]) -> Iterator[tuple[_Row, str | None]]:
    """Each row with the link before it; None after a gap, where it is not known."""
    link, number = chain.BEGINNING, 0
    for row in rows:
        follows = row.sealed.number == number + 1
        yield row, link if follows else None
        link, number = row.link, row.sealed.number


def _fits(key: bytes, row: _Row, previous: str | None) -> bool:
    if previous is None:
        return True  # what is missing is told by itself
    return hmac.compare_digest(chain.link(key, previous, row.sealed), row.link)


def _gaps(artifact: UUID, rows: Sequence[_Row]) -> Iterator[Finding]:
    number = 0
    for row in rows:
        for missing in range(number + 1, min(row.sealed.number, number + 1 + BATCH)):
            yield Finding(artifact, "was removed", missing)
        if row.sealed.number > number + 1:
            yield _of(row, "cannot be verified: the row before it is missing")
        if row.sealed.number <= number:
            yield _of(row, "was inserted: there is one of that number")
        number = row.sealed.number


def _wrong_text(key: bytes, row: _Row) -> str:
    if row.text is None:
        return "has lost its text"
    salt, why, erased = row.text
    if erased is not None:
        authentic = hmac.compare_digest(erased, chain.erasure(key, row.link))
        return "" if authentic else "had its text erased without the key"
    fits = chain.text_digest(salt or "", why or "") == row.sealed.text_digest
    return "" if fits else "had its text changed"


def _check_end(artifact: UUID, last: _Row, head: _Head | None) -> Iterator[Finding]:
    if head is None:
        yield Finding(artifact, "there is history, but nothing that it is of")
    elif last.sealed.number < head.number:
        yield Finding(
            artifact, f"was cut off: there are {head.number} in all", last.sealed.number + 1
        )
    elif last.sealed.number > head.number:
        yield _of(last, f"was added, or its thing's own row changed: that tells of {head.number}")
    elif last.link != head.link:
        yield _of(last, "is not the last one that was written, or its thing's own row was changed")
    elif head.state and last.sealed.to_state and head.state != last.sealed.to_state:
        yield _of(last, f"tells of {last.sealed.to_state}, but its thing is {head.state}: cut off?")


def _without_rows(heads: Mapping[UUID, _Head]) -> Iterator[Finding]:
    for artifact, head in heads.items():
        if head.begun or head.number:
            yield Finding(artifact, f"all {head.number or ''} rows were removed".replace("  ", " "))
