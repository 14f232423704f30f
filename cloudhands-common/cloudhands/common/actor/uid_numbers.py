"""uidNumbers: one number for one user, once for ever, also after the person is gone."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.common.actor.tables import UidNumber, User
from cloudhands.common.db import inserting
from cloudhands.common.errors import Conflict, LimitReached

SETTING = "directory.uid_numbers"
_BLOCK = 1000


def number_of(session: Session, user: User) -> int | None:
    """The user's uidNumber, if there is one."""
    session.flush()  # a new user has no uuid before it is written
    return session.scalar(select(UidNumber.number).where(UidNumber.user_uuid == user.uuid))


def allot(
    session: Session,
    user: User,
    numbers: range,
    now: datetime,
    known: Collection[int] = (),
) -> int:
    """Give a user a number that nobody ever had; the one they have, if they have one.

    The number above the highest that was allotted of the range: what lies below was given before.

    :param numbers: the range to choose from, rising by one.
    :param known: numbers that the directory uses, whoever has them; a set is quickest.
    :raises LimitReached: if the range is used up.
    """
    while True:
        had = number_of(session, user)
        if had is not None:
            return had
        free = _next(session, numbers, known)
        # Another transaction may have taken the number meanwhile, or given this user another one.
        if _write(session, free, user, now, allotted=True):
            return free


def take(session: Session, user: User, number: int, now: datetime) -> None:
    """Write down the number that the directory has already given to a user.

    :raises Conflict: if it is somebody else's, or the user has another one.
    """
    had = number_of(session, user)
    if had is None and not _is_taken(session, number):
        if _write(session, number, user, now, allotted=False):
            return
        had = number_of(session, user)
    if had is None:
        raise Conflict(
            f"The uidNumber {number} of {user.uid} in the directory belongs to somebody else, and "
            "is never given again: give that person another number in the directory."
        )
    if had != number:
        raise Conflict(
            f"{user.uid} has the uidNumber {had} for ever, but {number} in the directory: "
            f"set it to {had} there."
        )


def _next(session: Session, numbers: range, known: Collection[int]) -> int:
    highest = session.scalar(
        select(UidNumber.number)
        .where(
            UidNumber.allotted,
            UidNumber.number >= numbers.start,
            UidNumber.number < numbers.stop,
        )
        .order_by(UidNumber.number.desc())
        .limit(1)
    )
    start = numbers.start if highest is None else highest + 1
    # What `take` has written down may lie ahead, so a block is read at once.
    for first in range(start, numbers.stop, _BLOCK):
        block = range(first, min(first + _BLOCK, numbers.stop))
        taken = _taken(session, block)
        for number in block:
            if number not in taken and number not in known:
                return number
    raise LimitReached(
        f"Every uidNumber from {numbers.start} to {numbers.stop - 1} is used up: widen the range "
        f"{SETTING} in the settings file. A number is never given twice."
    )


def _taken(session: Session, block: range) -> set[int]:
    between = UidNumber.number.between(block.start, block.stop - 1)
    return set(session.scalars(select(UidNumber.number).where(between)))


def _is_taken(session: Session, number: int) -> bool:
    return bool(_taken(session, range(number, number + 1)))


def _write(session: Session, number: int, user: User, now: datetime, *, allotted: bool) -> bool:
    written = session.scalar(
        inserting(session, UidNumber)
        .values(number=number, user_uuid=user.uuid, allotted=allotted, taken_at=now)
        .on_conflict_do_nothing()
        .returning(UidNumber.number)
    )
    return written is not None
