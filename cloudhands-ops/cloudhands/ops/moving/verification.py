"""Whether a database is whole, and whether two of them hold the same rows.

A table's digest does not depend on the order of its rows: the two databases sort text differently.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Table, select, text
from sqlalchemy.orm import Session

from cloudhands.common.db import Database, explained
from cloudhands.common.errors import DatabaseError
from cloudhands.common.history.verification import verify_within
from cloudhands.common.schema import METADATA
from cloudhands.ops.moving.copying import BATCH


class Content(NamedTuple):
    """What a table holds.

    :param digest: the sum of its rows' hashes.
    """

    rows: int
    digest: int


SHOWN = 5

Summary = Mapping[str, Content]


def check(session: Session, address: str) -> None:
    """Refuse a database that is not whole.

    :param address: its own, without a password.
    :raises DatabaseError: with a line for each thing that is wrong.
    """
    if wrong := list(faults(session)):
        raise DatabaseError("\n".join([f"the database {address} is not right:", *wrong]))


def check_history(session: Session, secret: bytes | None, address: str) -> None:
    """Refuse a database whose history is not as it was written.

    :raises DatabaseError: with a line for each of the first things that were changed.
    """
    assert secret is not None
    findings = verify_within(session, secret).findings
    if findings:
        raise DatabaseError(
            "\n".join(
                [
                    f"the history in {address} is not as it was written: nothing was moved. "
                    "'cloud-admin history verify' lists all of it",
                    *(finding.sentence for finding in findings[:SHOWN]),
                ]
            )
        )


def faults(session: Session) -> Iterator[str]:
    """What is damaged in a database, a line for each; whatever its rows have to prove belongs here.

    PostgreSQL checks its pages as it reads them, and references as they are written.
    """
    if session.get_bind().dialect.name != "sqlite":
        return
    for (found,) in session.execute(text("PRAGMA integrity_check(20)")):
        if found != "ok":
            yield f"damaged: {found}"
    for table, row, parent, _ in session.execute(text("PRAGMA foreign_key_check")):
        yield f"{table}, row {row}: what it refers to in {parent} is not there"


def compare(old: Session, source: Database, new: Session) -> Summary:
    """What both databases hold.

    :param source: for what is said when it cannot be read.
    :raises DatabaseError: if they do not hold the same, naming the tables.
    """
    with explained(source):
        before = summary(old)
    after = summary(new)
    if before != after:
        tables = ", ".join(name for name in before if before[name] != after[name])
        raise DatabaseError(
            f"the copy is not what {source.address} holds (in {tables}): nothing was moved. "
            "Please report this with the output of 'cloud-admin db check'"
        )
    return before


def summary(session: Session) -> Summary:
    """What each table holds."""
    return {table.name: _content(session, table) for table in METADATA.sorted_tables}


def _content(session: Session, table: Table) -> Content:
    count, digest = 0, 0
    for row in session.execute(select(table), execution_options={"yield_per": BATCH}):
        count += 1
        digest += int.from_bytes(hashlib.sha256(_canonical(row)).digest())
    return Content(count, digest % 2**256)


def _canonical(row: Any) -> bytes:
    return json.dumps([_plain(value) for value in row], sort_keys=True).encode()


def _plain(value: Any) -> Any:
    """A value as both databases give it back: JSON numbers may change their way of writing."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return str(value)
