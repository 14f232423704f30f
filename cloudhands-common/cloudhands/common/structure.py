"""What a database is made of, read from its own catalogue: tables, columns, constraints, indexes
with their predicates, triggers, functions. Each has a name and a text; the texts are normalised
so that two databases of one kind can be compared.

Alembic's comparison sees no triggers, no predicates and no checks. The order of columns and
constraints does not count: a column that a migration adds comes last.
"""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, MetaData, create_engine
from sqlalchemy.exc import DBAPIError

from cloudhands.common.errors import DatabaseError

Structure = Mapping[str, str]

# Alembic's own, which says how far the migrations have come.
NOT_OURS = "alembic_version"
# PostgreSQL's code, https://www.postgresql.org/docs/current/errcodes-appendix.html
INSUFFICIENT_PRIVILEGE = "42501"

CONSTRAINTS = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"})
TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?P<name>\w+)"|\w+|\S""")
# PostgreSQL writes a comparison of strings with casts, and with others after a restoration.
CASTING = ("constraint", "index")
CAST = re.compile(r"""(?:\(([^()]*)\)|('(?:[^']|'')*'))::(?:text|character varying)(?:\[\])?""")

# For each kind of thing, what gives its name and its text. Extensions own what they bring.
POSTGRESQL = {
    "table": """
        SELECT relname, '' FROM pg_class
        WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace
    """,
    "column": """
        SELECT relname || '.' || attname,
            concat_ws(' ', format_type(atttypid, atttypmod),
                CASE WHEN attnotnull THEN 'NOT NULL' END,
                'DEFAULT ' || pg_get_expr(adbin, adrelid),
                CASE WHEN attcollation <> typcollation THEN attcollation::regcollation END,
                nullif(attidentity, ''), nullif(attgenerated, ''))
        FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
        JOIN pg_type ON pg_type.oid = atttypid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relkind IN ('r', 'p') AND NOT attisdropped
        AND relnamespace = current_schema()::regnamespace
    """,
    # Since PostgreSQL 18 a NOT NULL is one, too; the column says it.
    "constraint": """
        SELECT relname || '.' || conname, pg_get_constraintdef(pg_constraint.oid)
        FROM pg_constraint JOIN pg_class ON conrelid = pg_class.oid
        WHERE contype <> 'n' AND relnamespace = current_schema()::regnamespace
    """,
    "index": """
        SELECT tablename || '.' || indexname, indexdef FROM pg_indexes
        WHERE schemaname = current_schema()
    """,
    "trigger": """
        SELECT relname || '.' || tgname, pg_get_triggerdef(pg_trigger.oid) ||
            CASE tgenabled WHEN 'O' THEN '' ELSE ', switched to ' || tgenabled::text END
        FROM pg_trigger JOIN pg_class ON tgrelid = pg_class.oid
        WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace
    """,
    "function": """
        SELECT proname || '(' || pg_get_function_identity_arguments(pg_proc.oid) || ')',
            pg_get_functiondef(pg_proc.oid)
        FROM pg_proc WHERE prokind IN ('f', 'p')
        AND pronamespace = current_schema()::regnamespace
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
    """,
    "sequence": """
        SELECT sequencename, data_type::text FROM pg_sequences WHERE schemaname = current_schema()
    """,
}


def read(connection: Connection) -> Structure:
    """What a database is made of: the text of each thing, by its kind and name."""
    if connection.dialect.name == "sqlite":
        found = _read_sqlite(connection)
    else:
        found = _read_postgresql(connection)
    return {key: text for key, text in found if NOT_OURS not in key}


def expected(connection: Connection, metadata: MetaData) -> Structure:
    """What a database of the same kind would be made of if its tables were made anew.

    On PostgreSQL they are: in a schema of their own, in a transaction that is rolled back.

    :raises DatabaseError: if the database's user may make no schema.
    """
    if connection.dialect.name == "sqlite":
        engine = create_engine("sqlite://")
        with engine.begin() as scratch:
            metadata.create_all(scratch)
            made = read(scratch)
        engine.dispose()
        return made
    try:
        return _in_scratch_schema(connection, metadata)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != INSUFFICIENT_PRIVILEGE:
            raise
        who, what = connection.engine.url.username, connection.engine.url.database
        raise DatabaseError(
            f"{who} may not make a schema for a moment, to compare the tables with: "
            f"GRANT CREATE ON DATABASE {what} TO {who}"
        ) from error


def differences(found: Structure, wanted: Structure) -> Sequence[str]:
    """Where a database is not what it should be, a line for each thing."""
    return list(_differences(found, wanted))


def _differences(found: Structure, wanted: Structure) -> Iterator[str]:
    for key in sorted({*found, *wanted}):
        if key not in found:
            yield f"{key} is missing"
        elif key not in wanted:
            yield f"{key} should not be there"
        elif found[key] != wanted[key]:
            yield f"{key} should be {wanted[key]!r} and is {found[key]!r}"


def _read_postgresql(connection: Connection) -> Iterator[tuple[str, str]]:
    schema = connection.exec_driver_sql("SELECT current_schema()").scalar_one()
    for kind, query in POSTGRESQL.items():
        for name, text in connection.exec_driver_sql(query):
            plain = text.replace(f"{schema}.", "")
            yield f"{kind} {name}", _without_casts(plain) if kind in CASTING else plain


def _without_casts(text: str) -> str:
    while (plain := CAST.sub(r"\1\2", text)) != text:
        text = plain
    return text


def _in_scratch_schema(connection: Connection, metadata: MetaData) -> Structure:
    name = f"cloudhands_check_{secrets.token_hex(8)}"
    with connection.begin_nested() as savepoint:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
        connection.exec_driver_sql(f"SET LOCAL search_path TO {name}")
        metadata.create_all(connection, checkfirst=False)
        made = read(connection)
        savepoint.rollback()
    return made


def _read_sqlite(connection: Connection) -> Iterator[tuple[str, str]]:
    query = "SELECT type, name, tbl_name, sql FROM sqlite_schema"
    # What SQLite makes by itself has no text, or the name of something of its own.
    own = "sql IS NULL OR name LIKE 'sqlite\\_%' ESCAPE '\\' OR type = 'view'"
    for kind, name, table, sql in connection.exec_driver_sql(f"{query} WHERE NOT ({own})"):
        if kind == "table":
            yield from _parts(name, _tokens(sql))
        else:
            yield f"{kind} {table}.{name}", " ".join(_tokens(sql))


def _parts(table: str, tokens: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The columns and constraints of a CREATE TABLE."""
    items, rest = _items(tokens[tokens.index("(") :])
    yield f"table {table}", " ".join(rest)
    for first, *more in items:
        if first == "CONSTRAINT":
            name, *more = more
            yield f"constraint {table}.{name}", " ".join(more)
        elif first in CONSTRAINTS:
            yield f"constraint {table}.{' '.join([first, *more])}", ""
        else:
            yield f"column {table}.{first}", " ".join(more)


def _items(tokens: Sequence[str]) -> tuple[Sequence[Sequence[str]], Sequence[str]]:
    """What stands between the outer brackets and their commas; and what comes after."""
    items: list[list[str]] = [[]]
    depth = 0
    for number, token in enumerate(tokens):
        depth += (token == "(") - (token == ")")
        if depth == 0:
            return items, tokens[number + 1 :]
        if depth == 1 and token == ",":
            items.append([])
        elif number:
            items[-1].append(token)
    return items, ()


def _tokens(sql: str) -> Sequence[str]:
    return [match["name"] or match[0] for match in TOKEN.finditer(sql)]
