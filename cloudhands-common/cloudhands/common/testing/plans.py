"""Which statements a piece of code makes, and how a database carries out its queries."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session


@contextmanager
def counted(session: Session) -> Iterator[list[str]]:
    """The statements that the session makes during the block."""
    made: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        made.append(statement)

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", note)
    try:
        yield made
    finally:
        event.remove(connection, "before_cursor_execute", note)


@contextmanager
def explained(session: Session) -> Iterator[list[str]]:
    """The plan of every SELECT that the session makes during the block.

    PostgreSQL reads a small table whole whatever its indices; here it does so only if it must.
    """
    connection = session.connection()
    made: list[tuple[str, Any]] = []

    def note(conn: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if statement.startswith("SELECT"):
            made.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    plans: list[str] = []
    try:
        yield plans
    finally:
        event.remove(connection, "before_cursor_execute", note)
    is_sqlite = connection.dialect.name == "sqlite"
    if not is_sqlite:
        for kind in ("seqscan", "bitmapscan"):
            connection.exec_driver_sql(f"SET LOCAL enable_{kind} = off")
    explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
    for statement, parameters in made:
        rows = connection.exec_driver_sql(f"{explain} {statement}", parameters)
        plans.append("\n".join(str(row[-1]) for row in rows))
