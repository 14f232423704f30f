"""Tables whose rows can be added and never changed, replaced or removed: triggers refuse it.

`append_only` gives a table its triggers wherever the table is made from the code. A migration
writes them out in its own words; that both come to the same is tested (`test_migrations`).
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Table, UniqueConstraint, event
from sqlalchemy.sql import FromClause

ERASURE = "erasure"

# One function for every such table. Migration 0005 made it.
FUNCTION = """
CREATE OR REPLACE FUNCTION history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'history is append-only'; END $$
"""


def append_only(table: FromClause, erasure: str = "") -> None:
    """Have the database refuse every change of a table's rows, from when the table is made.

    :param table: `Model.__table__`.
    :param erasure: what makes an update of `OLD` to `NEW` an erasure, which is allowed, as SQL;
        empty where nothing may be erased.
    """
    assert isinstance(table, Table)
    table.info[ERASURE] = erasure
    event.listen(table, "after_create", _make_triggers)


def statements(table: Table, dialect: str) -> Sequence[str]:
    """What makes the triggers of a table that is there.

    :param dialect: `sqlite` or `postgresql`.
    """
    write = _for_sqlite if dialect == "sqlite" else _for_postgresql
    return list(write(table, table.info.get(ERASURE, "")))


def _make_triggers(table: Table, connection: Connection, **more: Any) -> None:
    for statement in statements(table, connection.dialect.name):
        connection.exec_driver_sql(statement)


def _for_sqlite(table: Table, erasure: str) -> Iterator[str]:
    name = table.name
    refused = "BEGIN SELECT RAISE(ABORT, 'history is append-only'); END"
    # INSERT OR REPLACE deletes without a trigger.
    there = f"SELECT 1 FROM {name} WHERE {_same_key(table)}"  # noqa: S608 - names of ours
    yield (
        f"CREATE TRIGGER {name}_are_not_replaced BEFORE INSERT ON {name} "
        f"WHEN EXISTS ({there}) {refused}"
    )
    if erasure:
        yield (
            f"CREATE TRIGGER {name}_are_only_erased BEFORE UPDATE ON {name} "
            f"WHEN NOT ({erasure}) {refused}"
        )
    else:
        yield f"CREATE TRIGGER {name}_are_not_changed BEFORE UPDATE ON {name} {refused}"
    yield f"CREATE TRIGGER {name}_are_not_deleted BEFORE DELETE ON {name} {refused}"


def _same_key(table: Table) -> str:
    """Whether a row has what makes it the same as `NEW`, by the primary key or another."""
    keys = {tuple(column.name for column in table.primary_key)}
    for one in table.constraints:
        if isinstance(one, UniqueConstraint):
            keys.add(tuple(column.name for column in one.columns))
    for index in table.indexes:
        if index.unique:
            keys.add(tuple(column.name for column in index.columns))
    return " OR ".join(
        " AND ".join(f"{column} = NEW.{column}" for column in key) for key in sorted(keys)
    )


def _for_postgresql(table: Table, erasure: str) -> Iterator[str]:
    name, does = table.name, "EXECUTE FUNCTION history_is_append_only()"
    yield FUNCTION
    if erasure:
        yield (
            f"CREATE TRIGGER {name}_are_only_erased BEFORE UPDATE ON {name} "
            f"FOR EACH ROW WHEN (NOT ({erasure})) {does}"
        )
        yield (f"CREATE TRIGGER {name}_are_not_deleted BEFORE DELETE ON {name} FOR EACH ROW {does}")
    else:
        yield (
            f"CREATE TRIGGER {name}_are_not_changed BEFORE UPDATE OR DELETE ON {name} "
            f"FOR EACH ROW {does}"
        )
    yield (
        f"CREATE TRIGGER {name}_are_not_truncated BEFORE TRUNCATE ON {name} "
        f"FOR EACH STATEMENT {does}"
    )
