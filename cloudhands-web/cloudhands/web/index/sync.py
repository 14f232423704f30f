"""Reads everybody in the directory and makes them the index.

A read that fails or stops half-way raises: what is there in part is never taken for the whole.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import ldap3
import structlog
from ldap3.core.exceptions import (
    LDAPUnavailableCriticalExtensionResult,
    LDAPUnwillingToPerformResult,
)

from cloudhands.common import directory, settings
from cloudhands.common.errors import DirectoryError
from cloudhands.web.index.decode import Entry, decode
from cloudhands.web.index.engine import Position, Writer

PAGED_RESULTS = "1.2.840.113556.1.4.319"
NO_PAGING = (LDAPUnavailableCriticalExtensionResult, LDAPUnwillingToPerformResult)

Item = dict[str, Any]

log = structlog.get_logger(__name__)


def read(source: settings.Directory, state: Path) -> list[Entry]:
    """Everybody in the directory, sorted by identifier.

    :param source: the settings' `[directory]`.
    :param state: the folder that relative files are below.
    :raises DirectoryError: if the directory cannot be read to the end.
    """
    found: dict[str, Entry] = {}
    seen = 0
    with directory.connect(source, state) as connection:
        for page in _pages(connection, source):
            seen += len(page)
            entries = (decode(item["raw_attributes"], source.attributes) for item in page)
            found.update((entry.person.id, entry) for entry in entries if entry)
    if seen != len(found):
        log.warning("entries left out: no identifier, no uid, or twice", count=seen - len(found))
    return [found[identifier] for identifier in sorted(found)]


def _pages(connection: ldap3.Connection, source: settings.Directory) -> Iterator[list[Item]]:
    try:
        page = directory.search(connection, source, source.people, paged_size=source.page_size)
    except NO_PAGING:
        page = directory.search(connection, source, source.people)
    yield page
    # A server that ignores the control sent everything at once, and no cookie.
    while cookie := _cookie(connection):
        yield directory.search(
            connection,
            source,
            source.people,
            paged_size=source.page_size,
            paged_cookie=cookie,
        )


def _cookie(connection: ldap3.Connection) -> bytes:
    controls = connection.result.get("controls") or {}
    answer = controls.get(PAGED_RESULTS, {}).get("value") or {}
    return bytes(answer.get("cookie") or b"")


def replace(writer: Writer, entries: Sequence[Entry], now: datetime, server: str = "") -> None:
    """Make these people the index.

    :param now: when they were read.
    :raises DirectoryError: if there is nobody, and the index has somebody: more likely a wrong
        base, filter or right to read than an institution that lost everyone.
    :raises IndexUnavailable: if the index cannot be written; it stays as it was.
    """
    if not entries and (kept := writer.people()):
        raise DirectoryError(
            f"the directory shows nobody; the index keeps its {kept} people. "
            "Check directory.base, directory.people and what directory.bind_dn may read"
        )
    writer.replace(entries, Position("full", b"", server, now))
