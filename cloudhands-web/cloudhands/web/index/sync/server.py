"""What a directory's server says of itself: its rootDSE, and how far its content has come."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPOperationResult

from cloudhands.common import directory
from cloudhands.common.directory import Attributes, Connection

# A change sequence number: when, and (the third part) at which server of several.
CSN = re.compile(r"\d{14}\.\d{6}Z#[0-9a-f]{6}#([0-9a-f]{3})#[0-9a-f]{6}")

# Of the people beyond a server's own word so many are enough to know of.
SOME = 100
LOOKS, LOOK_SECONDS = 3, 0.05
# Of a number of 64 bits.
MOST_DIGITS = 20


@dataclass(frozen=True)
class Server:
    """One server, as it was when we connected.

    :param name: its URL, as in the settings.
    :param controls: the OIDs of the controls and features that it supports.
    :param vendor: who made it, if it says so.
    :param usn: Active Directory's highest change number, else None.
    :param origin: of which database `usn` is a number.
    :param contexts: the distinguished names of its databases.
    :param csns: OpenLDAP's change sequence numbers of the database that we read.
    """

    name: str
    controls: frozenset[str] = frozenset()
    vendor: str = ""
    usn: int | None = None
    origin: str = ""
    contexts: tuple[str, ...] = ()
    csns: tuple[str, ...] = ()


def ask(connection: Connection, base: str) -> Server:
    """What the server at the other end says of itself; what it does not say stays empty.

    :param connection: bound, its operations raise.
    :param base: the base of the people.
    """
    found = _object(
        connection,
        "",
        "supportedControl",
        "supportedFeatures",
        "vendorName",
        "namingContexts",
        "highestCommittedUSN",
        "dsServiceName",
    )
    usn, service = _one(found, "highestCommittedUSN"), _one(found, "dsServiceName")
    contexts = _texts(found, "namingContexts")
    return Server(
        connection.url,
        frozenset(_texts(found, "supportedControl") + _texts(found, "supportedFeatures")),
        _one(found, "vendorName"),
        int(usn) if usn.isascii() and usn.isdigit() and len(usn) <= MOST_DIGITS else None,
        f"{service} {_invocation(connection, service)}".strip() if service else "",
        contexts,
        _csns(connection, context_of(base, contexts)),
    )


def is_behind(connection: Connection, server: Server, base: str, people: str) -> bool:
    """Whether a server says that it has come less far than its people have.

    slapd does after it was killed, until the next change. It leaves who is beyond its word out of
    every sync (RFC 4533), also out of one of everybody: who took that for the whole would delete
    them.

    :param people: the filter that the people below `base` match.
    """
    beyond = _beyond(connection, base, people, server.csns)
    if not beyond:
        return False
    context = context_of(base, server.contexts)
    for _ in range(LOOKS):
        # A change can be read a moment before the server tells it.
        if max(_csns(connection, context), default="") >= beyond:
            return False
        time.sleep(LOOK_SECONDS)
    return True


def context_of(base: str, contexts: Sequence[str]) -> str:
    """The database that a base is in: the longest of the names that it ends with, or itself."""
    wanted = _plain(base)
    ends = [name for name in contexts if name and f",{wanted}".endswith(f",{_plain(name)}")]
    return max(ends, key=len, default=base)


def is_of_use(cookie: bytes, csns: Sequence[str]) -> bool:
    """Whether a server can go on from a sync cookie.

    Not if the cookie knows of changes that the server has not: it was restored, or lags. It may
    answer that nothing has changed. Nor if it has no change sequence number in it: slapd takes it
    for none, and for granted that we know nobody.

    :param csns: the server's; without any nothing can be told.
    """
    theirs = _by_server(" ".join(csns))
    ours = _by_server(cookie.decode("ascii", "replace"))
    if not theirs:
        return True
    return bool(ours) and all(csn <= theirs.get(server, "") for server, csn in ours.items())


def _by_server(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in CSN.finditer(text):
        found[match[1]] = max(match[0], found.get(match[1], ""))
    return found


def _plain(name: str) -> str:
    return re.sub(r"\s*([,=])\s*", r"\1", name.strip().lower())


def _csns(connection: Connection, context: str) -> tuple[str, ...]:
    return _texts(_object(connection, context, "contextCSN"), "contextCSN")


def _beyond(connection: Connection, base: str, people: str, csns: Sequence[str]) -> str:
    """The last change of a person that is beyond a server's own word, or an empty text."""
    if not csns:
        return ""
    found = f"(&{people}(entryCSN>={max(csns)}))"
    items = _items(connection, base, found, ldap3.SUBTREE, ("entryCSN",), size_limit=SOME)
    seen = (_one(item["raw_attributes"], "entryCSN") for item in items)
    last = max(seen, default="")
    return last if last > max(csns) else ""


def _invocation(connection: Connection, service: str) -> str:
    """Another one after the controller's database was restored."""
    found = directory.values(_object(connection, service, "invocationId"), "invocationId")
    return found[0].hex() if found else ""


def _object(connection: Connection, name: str, *attributes: str) -> Attributes:
    """One entry's attributes; none where the server shows no such entry."""
    items = _items(connection, name, "(objectClass=*)", ldap3.BASE, attributes)
    found: Attributes = items[0]["raw_attributes"] if items else {}
    return found


def _items(
    connection: Connection,
    base: str,
    filter: str,
    scope: Any,
    attributes: Sequence[str],
    size_limit: int = 0,
) -> list[dict[str, Any]]:
    """Entries as ldap3 gives them; none where the server refuses to tell."""
    try:
        connection.search(
            base,
            filter,
            scope,
            dereference_aliases=ldap3.DEREF_NEVER,
            attributes=attributes,
            size_limit=size_limit,
        )
    except LDAPOperationResult:
        return []
    return [item for item in connection.response or () if item["type"] == "searchResEntry"]


def _texts(found: Attributes, name: str) -> tuple[str, ...]:
    return tuple(directory.texts(found, name))


def _one(found: Attributes, name: str) -> str:
    return directory.first(directory.texts(found, name))
