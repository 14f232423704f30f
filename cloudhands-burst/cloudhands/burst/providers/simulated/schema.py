"""The tables of a simulated cloud's file, and how the file of an older release is brought up.

The file does its own accounting, so that no call has to count rows: `uses` has how many servers
there are of each size, `free` the addresses that were given back. An address that is not among
the free ones and above every used one was never given. Triggers keep both true.
"""

import sqlite3
from contextlib import suppress
from ipaddress import IPv4Address

VERSION = 2

_TABLES = (
    """
    CREATE TABLE servers (
        id TEXT PRIMARY KEY,
        installation TEXT NOT NULL,
        appliance TEXT NOT NULL,
        generation INTEGER NOT NULL,
        name TEXT NOT NULL,
        image TEXT NOT NULL,
        size TEXT NOT NULL,
        number INTEGER NOT NULL UNIQUE,
        external INTEGER NOT NULL,
        phase TEXT NOT NULL,
        since REAL NOT NULL,
        seen_from REAL NOT NULL DEFAULT 0,
        problem TEXT NOT NULL DEFAULT '',
        lacked_room INTEGER NOT NULL DEFAULT 0,
        console TEXT NOT NULL DEFAULT ''
    )
    """,
    "CREATE INDEX by_identity ON servers (installation, appliance, generation)",
    "CREATE INDEX going ON servers (since) WHERE phase = 'deleting'",
    """
    CREATE TABLE held (
        number INTEGER PRIMARY KEY,
        installation TEXT NOT NULL,
        appliance TEXT NOT NULL,
        generation INTEGER NOT NULL,
        server TEXT UNIQUE
    )
    """,
    "CREATE INDEX held_by_identity ON held (installation, appliance, generation)",
    "CREATE TABLE uses (size TEXT PRIMARY KEY, servers INTEGER NOT NULL) WITHOUT ROWID",
    """
    CREATE TABLE free (
        kind TEXT NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (kind, number)
    ) WITHOUT ROWID
    """,
)

_TRIGGERS = (
    """
    CREATE TRIGGER server_made AFTER INSERT ON servers BEGIN
        INSERT INTO uses VALUES (NEW.size, 1)
            ON CONFLICT (size) DO UPDATE SET servers = servers + 1;
        DELETE FROM free WHERE kind = 'servers' AND number = NEW.number;
    END
    """,
    """
    CREATE TRIGGER server_gone AFTER DELETE ON servers BEGIN
        UPDATE uses SET servers = servers - 1 WHERE size = OLD.size;
        INSERT INTO free VALUES ('servers', OLD.number);
        UPDATE held SET server = NULL WHERE server = OLD.id;
    END
    """,
    """
    CREATE TRIGGER server_resized AFTER UPDATE OF size ON servers BEGIN
        UPDATE uses SET servers = servers - 1 WHERE size = OLD.size;
        INSERT INTO uses VALUES (NEW.size, 1)
            ON CONFLICT (size) DO UPDATE SET servers = servers + 1;
    END
    """,
    """
    CREATE TRIGGER address_taken AFTER INSERT ON held BEGIN
        DELETE FROM free WHERE kind = 'held' AND number = NEW.number;
    END
    """,
    """
    CREATE TRIGGER address_released AFTER DELETE ON held BEGIN
        INSERT INTO free VALUES ('held', OLD.number);
    END
    """,
)

# What the first release's one table had; it gave an external address with the server.
_OLDER = (
    "id, installation, appliance, generation, name, image, size, address, external_address, "
    "phase, since"
)


def ensure(connection: sqlite3.Connection) -> None:
    """Make a new connection ready: the tables are made, those of an older release brought up.

    :raises sqlite3.DatabaseError: if the file is not ours, or of a newer release.
    """
    # Nobody who reads waits for who writes, and a change is kept whenever the process is killed;
    # when the power fails the last ones may be lost, which is enough for a cloud that is not there.
    with suppress(
        sqlite3.OperationalError
    ):  # another process is at it, or the disk is a remote one
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    if _version(connection) == VERSION:
        return
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        if (found := _version(connection)) > VERSION:
            raise sqlite3.DatabaseError(f"a newer release has written it (version {found})")
        if found < VERSION:
            _make(connection)


def _version(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found


def _make(connection: sqlite3.Connection) -> None:
    names = "SELECT name FROM sqlite_master WHERE type = 'table'"
    older = ("servers",) in connection.execute(names).fetchall()
    if older:
        connection.execute("ALTER TABLE servers RENAME TO older")
    for statement in (*_TABLES, *_TRIGGERS):
        connection.execute(statement)
    if older:
        _take_over(connection)
        connection.execute("DROP TABLE older")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _take_over(connection: sqlite3.Connection) -> None:
    rows = connection.execute(
        f"SELECT {_OLDER} FROM older ORDER BY rowid"  # noqa: S608 - a constant
    ).fetchall()
    for id_, *identity, name, image, size, address, external, phase, since in rows:
        number, was_given = int(IPv4Address(address)), bool(external)
        connection.execute(
            "INSERT INTO servers (id, installation, appliance, generation, name, image, size, "
            "number, external, phase, since) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (id_, *identity, name, image, size, number, was_given, phase, since),
        )
        if was_given:
            held = (int(IPv4Address(external)), *identity, id_)
            connection.execute("INSERT INTO held VALUES (?, ?, ?, ?, ?)", held)
    _free_holes(connection)


def _free_holes(connection: sqlite3.Connection) -> None:
    """Give back what is not used between the lowest and the highest used address."""
    for kind in ("servers", "held"):
        query = f"SELECT number FROM {kind}"  # noqa: S608 - a constant
        used = {number for (number,) in connection.execute(query)}
        if used:
            holes = set(range(min(used), max(used))) - used
            connection.executemany("INSERT INTO free VALUES (?, ?)", [(kind, n) for n in holes])
