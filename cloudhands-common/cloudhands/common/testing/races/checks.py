"""What several races look for after a round."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cloudhands.common.db import Base
from cloudhands.common.testing.races.racing import Outcomes


def winners(outcomes: Outcomes, expected: int) -> Iterator[str]:
    """A sentence unless so many have won."""
    won = sum(outcome.won for outcome in outcomes)
    if won != expected:
        yield f"{won} have won instead of {expected}"


def only_one(session: Session, model: type[Base], *where: Any) -> Iterator[str]:
    """A sentence unless there is one such row."""
    count = session.scalar(select(func.count()).select_from(model).where(*where))
    if count != 1:
        yield f"there are {count} rows in {model.__tablename__} instead of one"
