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
from psycopg.pq import Conninfo

from cloudhands.common import revisions, schema
from cloudhands.common.db import Database
from cloudhands.common.errors import DatabaseError

# Debian keeps the programs of each version in a folder of its own, outside everyone's PATH.
FOLDERS = Path("/usr/lib/postgresql")
PLAIN = ("--no-owner", "--no-privileges")
# These two stand around the backup in one transaction. What it does not hold has to go, too: what a
# newer release made would be in the way of the upgrade that follows an older backup.
FIRST = """
SET client_min_messages = warning;
DO $$ DECLARE one text; BEGIN
    FOR one IN
        SELECT format('DROP TABLE IF EXISTS %s CASCADE', oid::regclass) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    LOOP EXECUTE one; END LOOP;
    FOR one IN
        SELECT format('DROP ROUTINE %s CASCADE', oid::regprocedure) FROM pg_proc made
        WHERE pronamespace = 'public'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = made.oid AND deptype = 'e')
    LOOP EXECUTE one; END LOOP;
END $$;
"""
LAST = """
SET search_path TO public;
DO $$ BEGIN
    IF (SELECT version_num FROM alembic_version) < '{oldest}' THEN
        RAISE EXCEPTION 'the backup is older than backups are: it cannot be told to observe';
    END IF;
    IF (SELECT version_num FROM alembic_version) > '{newest}'
    AND (SELECT oldest_code FROM compatibility) > '{newest}' THEN
        RAISE EXCEPTION 'the backup is of a newer release: install that one first';
    END IF;
    UPDATE installation SET observing = true;
    IF NOT FOUND THEN
        INSERT INTO installation (id, uuid, renames, observing)
        VALUES (1, gen_random_uuid(), 0, true);
    END IF;
END $$;
"""
# The revision that made the column `observing`.
OLDEST = "0004"
# What libpq, and so each of the programs, can be told.
KEYWORDS = frozenset(option.keyword.decode() for option in Conninfo.get_defaults())
SECRETS = ("password", "sslpassword")


def dump(database: Database, file: Path) -> None:
    """Write a database, which may be in use, into a file."""
    _run(database, "pg_dump", "--format=custom", *PLAIN, f"--file={file}", _address(database))


def load(database: Database, file: Path) -> None:
    """Put a file in a database's place, in one transaction, set to observe."""
    with tempfile.TemporaryDirectory(prefix="cloudhands-restore-") as folder:
        scripts = [Path(folder) / name for name in ("first.sql", "backup.sql", "last.sql")]
        scripts[0].write_text(FIRST, encoding="utf-8")
        # Reads the whole file: one that is cut short ends here.
        try:
            _run(database, "pg_restore", *PLAIN, f"--file={scripts[1]}", file)
        except DatabaseError as error:
            raise DatabaseError(f"{file} is no whole backup of PostgreSQL's: {error}") from None
        last = LAST.format(oldest=OLDEST, newest=revisions.newest())
        scripts[2].write_text(last, encoding="utf-8")
        once = ("--single-transaction", "--set=ON_ERROR_STOP=1", "--no-psqlrc", "--quiet")
        files = (f"--file={script}" for script in scripts)
        _run(database, "psql", *once, *files, _address(database))
    database.close()  # what was prepared for the old tables
    if trouble := schema.upgradable(database):
        raise DatabaseError(f"{file}: {trouble}")


def _known(database: Database) -> Mapping[str, str]:
    """What the driver is told, in libpq's words."""
    _, known = database.engine.dialect.create_connect_args(database.engine.url)
    return {key: str(value) for key, value in known.items() if value and key in KEYWORDS}


def _address(database: Database) -> str:
    """The database for PostgreSQL's programs, without a password: arguments can be read by all."""
    known = {key: value for key, value in _known(database).items() if key not in SECRETS}
    found: str = make_conninfo("", **known)
    return f"--dbname={found}"


def _environment(database: Database) -> Mapping[str, str]:
    known = _known(database)
    if "sslpassword" in known:
        raise DatabaseError(
            "database.url: sslpassword cannot be told to PostgreSQL's programs: use a key without"
        )
    return {**os.environ, **({"PGPASSWORD": known["password"]} if "password" in known else {})}


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
