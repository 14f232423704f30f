"""Backups of a PostgreSQL database: pg_dump's own format, read again by pg_restore and psql.

These programs come with PostgreSQL's client, of the server's version or a newer one.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from psycopg.conninfo import make_conninfo

from cloudhands.common import observing, schema
from cloudhands.common.db import Database
from cloudhands.common.errors import DatabaseError

# Debian keeps the programs of each version in a folder of its own, outside everyone's PATH.
FOLDERS = Path("/usr/lib/postgresql")
PLAIN = ("--no-owner", "--no-privileges")
# In the same transaction as everything else. A backup from before there was the column is set to
# observe by the upgrade that follows.
LAST = """
SET search_path TO public;
DO $$ BEGIN
    IF (SELECT version_num FROM alembic_version) > '{newest}' THEN
        IF (SELECT oldest_code FROM compatibility) > '{newest}' THEN
            RAISE EXCEPTION 'the backup is of a newer release: install that one first';
        END IF;
    END IF;
END $$;
DO $$ BEGIN
    UPDATE installation SET observing = true;
EXCEPTION WHEN undefined_column THEN NULL;
END $$;
"""


def dump(database: Database, file: Path) -> None:
    """Write a database, which may be in use, into a file."""
    _run(database, "pg_dump", "--format=custom", *PLAIN, f"--file={file}", _address(database))


def load(database: Database, file: Path) -> None:
    """Put a file in a database's place, in one transaction, set to observe."""
    with tempfile.TemporaryDirectory(prefix="cloudhands-restore-") as folder:
        script = Path(folder) / "script.sql"
        # Reads the whole file: one that is cut short ends here.
        _run(database, "pg_restore", "--clean", "--if-exists", *PLAIN, f"--file={script}", file)
        with script.open("a", encoding="utf-8") as text:
            text.write(LAST.format(newest=schema.newest()))
        once = ("--single-transaction", "--set=ON_ERROR_STOP=1", "--no-psqlrc", "--quiet")
        _run(database, "psql", *once, f"--file={script}", _address(database))
    database.engine.dispose()  # what was prepared for the old tables
    if trouble := schema.upgradable(database):
        raise DatabaseError(f"{file}: {trouble}")
    with database.writing() as session:
        observing.begin(session)


def _address(database: Database) -> str:
    """The database for PostgreSQL's programs, without a password: arguments can be read by all."""
    url = database.engine.url
    known = {
        "host": url.host,
        "port": url.port,
        "user": url.username,
        "dbname": url.database,
        **url.query,
    }
    found: str = make_conninfo("", **{key: value for key, value in known.items() if value})  # type: ignore[arg-type]
    return f"--dbname={found}"


def _environment(database: Database) -> Mapping[str, str]:
    password = database.engine.url.password
    return {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}


def _run(database: Database, program: str, *arguments: str | Path) -> None:
    argv: Sequence[str | Path] = [_found(program), *arguments]
    done = subprocess.run(
        argv, env=_environment(database), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DatabaseError(f"{program}: {done.stderr.strip() or done.stdout.strip()}")


def _found(program: str) -> str:
    folders = sorted(FOLDERS.glob("*/bin"), key=lambda folder: float(folder.parent.name))
    # The newest one first: pg_dump refuses a server that is newer than itself.
    path = os.pathsep.join([*map(str, reversed(folders)), os.environ.get("PATH", "")])
    where = shutil.which(program, path=path)
    if where is None:
        raise DatabaseError(
            f"{program} is not installed: it comes with PostgreSQL's client "
            "(Debian: postgresql-client)"
        )
    return where
