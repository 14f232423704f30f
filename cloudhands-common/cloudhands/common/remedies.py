"""What an operator does about an error of a database's driver."""

import sqlite3

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

UPGRADE = "Is it there, and is it up to date? ('cloud-admin db upgrade' makes it so)"
SERVER = "Does the server run, and does it let this user in?"
RESTORE = "It is damaged: put a backup in its place ('cloud-admin db restore BACKUP --force')"

OF_SQLITE = {
    sqlite3.SQLITE_READONLY: "Let this user write the file and its folder",
    sqlite3.SQLITE_PERM: "Let this user read and write the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "Is it a file in a folder that this user may write?",
    sqlite3.SQLITE_FULL: "Make room for it",
    sqlite3.SQLITE_IOERR: "Is its disk full, or failing?",
    sqlite3.SQLITE_BUSY: "Another program holds it for long: try again when that has ended",
    sqlite3.SQLITE_LOCKED: "Another program holds it for long: try again when that has ended",
    sqlite3.SQLITE_CORRUPT: RESTORE,
    sqlite3.SQLITE_NOTADB: RESTORE,
}


def remedy(error: DBAPIError) -> str:
    """What to do, in one sentence or question."""
    if isinstance(error.orig, sqlite3.Error):
        # The lowest byte is the kind, the others say more about it; Python's own errors have none.
        code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        return OF_SQLITE.get(code & 0xFF, UPGRADE)
    return SERVER if isinstance(error, OperationalError | InterfaceError) else UPGRADE


def reason(error: DBAPIError) -> str:
    """What the driver says, in one line; the further ones hold hints, and what is in rows."""
    return str(error.orig).strip().partition("\n")[0].rstrip(".")
