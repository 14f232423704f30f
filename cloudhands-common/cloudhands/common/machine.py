"""Applies a transition table: the only code that changes the `state` of an artifact.

A subject's `states.py` is pure data; this moves an artifact along one of its arrows, raises
its version and writes the Touch, all in the caller's transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from cloudhands.common import history
from cloudhands.common.errors import Conflict


@dataclass(frozen=True)
class Arrow:
    """One allowed change of state, and what it means."""

    source: str
    target: str
    meaning: str


@dataclass(frozen=True)
class Machine:
    """A transition table.

    :param initial: the state in which an artifact is made.
    :param arrows: every allowed change.
    """

    initial: str
    arrows: Sequence[Arrow]

    @property
    def states(self) -> frozenset[str]:
        """Every state that the table knows."""
        ends = {end for arrow in self.arrows for end in (arrow.source, arrow.target)}
        return frozenset({self.initial, *ends})

    def allows(self, source: str, target: str) -> bool:
        """Whether there is an arrow from one state to another."""
        return any((arrow.source, arrow.target) == (source, target) for arrow in self.arrows)


class Stateful(history.Recorded, Protocol):
    """An artifact with a state and a history."""

    state: str


def move(
    session: Session,
    machine: Machine,
    artifact: Stateful,
    target: str,
    actor: history.Acting,
    why: str,
    now: datetime,
    *,
    locked: bool = False,
) -> None:
    """Move an artifact to another state and record it.

    :param why: a plain sentence, kept in history.
    :param locked: whether the artifact was read and locked in this transaction already.
    :raises Conflict: if the table has no such arrow.
    """
    source = artifact.state
    if not machine.allows(source, target):
        raise Conflict(f"A {artifact.kind} that is {source} cannot become {target}.")
    artifact.state = target
    history.record(
        session, artifact, actor, why, now, from_state=source, to_state=target, locked=locked
    )
