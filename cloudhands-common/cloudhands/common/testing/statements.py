"""Lets all the engines of a test process use the statements that one of them has compiled.

Each test opens a database of its own, and SQLAlchemy keeps what it compiled for an engine and its
dialect: every test would compile again what the one before it did, a third of all its work. Here
dialects of a class are equal, as they are in what they compile for the same server, and their
engines have one cache. Programs that a test starts, and benchmarks, do as they do elsewhere.
"""

from typing import Any, ClassVar

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Engine
from sqlalchemy.util import LRUCache

STATEMENTS = 2000
CLASSES = {"sqlite": "SQLite", "postgresql.psycopg": "PostgreSQL"}


class _Alike:
    """Equal to any other one of its class, and so a key to the same statements."""

    supports_statement_cache = True
    statements: ClassVar[LRUCache[Any, Any]]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        """SQLAlchemy has made an engine."""
        engine.update_execution_options(compiled_cache=cls.statements)


class SQLite(_Alike, SQLiteDialect_pysqlite):
    """The dialect of all SQLite databases here."""

    supports_statement_cache = True
    statements = LRUCache(STATEMENTS)


class PostgreSQL(_Alike, PGDialect_psycopg):
    """The dialect of all PostgreSQL databases here."""

    supports_statement_cache = True
    statements = LRUCache(STATEMENTS)


def share() -> None:
    """From now on, in this process."""
    for name, found in CLASSES.items():
        registry.register(name, __name__, found)
