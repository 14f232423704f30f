"""Copies every table of the metadata from SQLite to PostgreSQL, values and ids as they are."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Insert,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    delete,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.exc import DataError, IntegrityError

from cloudhands.common.db import Database, explained
from cloudhands.common.errors import DatabaseError
from cloudhands.common.schema import METADATA

BATCH = 1000

# Called with a table's name, how many of all rows are copied, and how many there are.
Tell = Callable[[str, int, int], None]
Rows = Sequence[Mapping[str, Any]]


def copy(source: Database, old: Connection, new: Connection, tell: Tell) -> None:
    """Copy all rows, in the order in which tables refer to each other.

    :param source: for what is said when it cannot be read.
    :param old: the source's, where nobody else can write.
    :param new: the target's, with every table; what the migrations put into them is replaced.
    :raises DatabaseError: naming the row, if there is one that PostgreSQL does not take.
    """
    tables = METADATA.sorted_tables
    with explained(source):
        counts = {table.name: count(old, table) for table in tables}
    for table in reversed(tables):
        new.execute(delete(table))
    done, total = 0, sum(counts.values())
    for table in tables:
        tell(table.name, done, total)
        for rows in _batches(source, old, table):
            _write(new, table, rows)
            done += len(rows)
            tell(table.name, done, total)
        _go_on_counting(source, old, new, table)


def count(connection: Connection, table: Table) -> int:
    """How many rows a table has."""
    return connection.scalar(select(func.count()).select_from(table)) or 0


def _batches(source: Database, old: Connection, table: Table) -> Iterator[Rows]:
    with explained(source):
        found = old.execute(_selection(table), execution_options={"yield_per": BATCH})
        batches = found.mappings().partitions()
    while True:
        with explained(source):
            rows = next(batches, None)
        if rows is None:
            return
        yield [dict(row) for row in rows]


def _selection(table: Table) -> Select[Any]:
    """Every column; JSON as the text that it is, so that nothing is read into it."""
    return select(
        *(
            cast(column, Text).label(_text_of(column)) if _is_json(column) else column
            for column in table.columns
        )
    )


def _insertion(table: Table) -> Insert:
    texts = {
        column.name: cast(bindparam(_text_of(column), type_=Text), column.type)
        for column in table.columns
        if _is_json(column)
    }
    return insert(table).values(texts) if texts else insert(table)


def _text_of(column: Column[Any]) -> str:
    return f"text_of_{column.name}"


def _is_json(column: Column[Any]) -> bool:
    return isinstance(column.type, JSON)


def _write(new: Connection, table: Table, rows: Rows) -> None:
    insertion = _insertion(table)
    try:
        with new.begin_nested():
            new.execute(insertion, rows)
    except (DataError, IntegrityError):
        # SQLite takes what PostgreSQL does not: find out which row it is.
        for row in rows:
            _write_one(new, table, insertion, row)
        raise


def _write_one(new: Connection, table: Table, insertion: Insert, row: Mapping[str, Any]) -> None:
    try:
        new.execute(insertion, row)
    except (DataError, IntegrityError) as error:
        key = ", ".join(f"{column.name} {row[column.name]}" for column in table.primary_key)
        why = str(error.orig).splitlines()[0]  # the others show what is in the row
        raise DatabaseError(
            f"{table.name}, {key}: PostgreSQL does not take this row: {why}. "
            "Nothing was moved; mend the row, then try again"
        ) from error


def _go_on_counting(source: Database, old: Connection, new: Connection, table: Table) -> None:
    """Let ids of new rows begin after the highest that there ever was, as far as it is known."""
    with explained(source):
        given = _given(old, table)
    for column in table.primary_key:
        if not isinstance(column.type, Integer):
            continue
        name = new.dialect.identifier_preparer.format_table(table)
        sequence = new.scalar(select(func.pg_get_serial_sequence(name, column.name)))
        highest = max(new.scalar(select(func.max(column))) or 0, given)
        if sequence and highest:
            new.execute(select(func.setval(sequence, highest)))


def _given(old: Connection, table: Table) -> int:
    """The highest id that SQLite keeps in mind, where it never gives one twice."""
    if not table.dialect_options["sqlite"]["autoincrement"]:
        return 0
    query = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
    return old.scalar(query, {"name": table.name}) or 0
