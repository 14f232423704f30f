"""Ten changes of a directory, one of them a deletion, and how soon a search shows all of them."""

import time
import uuid

import ldap3

from cloudhands.common.testing import people, slapd
from cloudhands.web.index.people import People

ADDED, RENAMED = 5, 4
LIMIT_SECONDS = 30.0
POLL = 0.001


class Changes:
    """Changes people who are nobody else's, so that a search for them tells what it has seen.

    :param administrator: of the directory.
    :param found: the index that follows it.
    """

    def __init__(self, administrator: ldap3.Connection, found: People) -> None:
        self._administrator = administrator
        self._found = found

    def visible_after(self, number: int) -> float:
        """Make ten changes; seconds from the last one's answer until a search shows all of them.

        :param number: another one each time, from 0 on: those whom each adds the next one renames,
            but for one, whom it removes.
        :raises TimeoutError: if they are not seen after 30 s.
        """
        for place in range(ADDED):
            self._add(_person(number, place))
        if number:
            for place in range(RENAMED):
                self._rename(_person(number - 1, place), number)
            self._administrator.delete(_person(number - 1, RENAMED).dn)
        acknowledged = time.perf_counter()
        while not self._is_seen(number):
            if time.perf_counter() - acknowledged > LIMIT_SECONDS:
                raise TimeoutError(f"ten changes are not seen after {LIMIT_SECONDS:g} s")
            time.sleep(POLL)
        return time.perf_counter() - acknowledged

    def _add(self, entry: people.Entry) -> None:
        self._administrator.add(entry.dn, attributes=entry.attributes, controls=[slapd.RELAX])

    def _rename(self, entry: people.Entry, number: int) -> None:
        name = {"cn": [(ldap3.MODIFY_REPLACE, [_renamed(number)])]}
        self._administrator.modify(entry.dn, name)

    def _is_seen(self, number: int) -> bool:
        if not all(self._has(_person(number, place), "Newcomer") for place in range(ADDED)):
            return False
        if not number:
            return True
        renamed = (_person(number - 1, place) for place in range(RENAMED))
        return all(self._has(one, _renamed(number)) for one in renamed) and not self._has(
            _person(number - 1, RENAMED), ""
        )

    def _has(self, entry: people.Entry, name: str) -> bool:
        uid = entry.one("uid")
        return any(
            one.uid == uid and one.name.startswith(name) for one in self._found.search(uid, 5)
        )


def _renamed(number: int) -> str:
    return f"Renamed in round {number}"


def _person(number: int, place: int) -> people.Entry:
    uid = f"newcomer{number}x{place}"
    return people.Entry(
        f"uid={uid},{people.PEOPLE}",
        {
            "objectClass": ["inetOrgPerson"],
            "uid": [uid],
            "cn": [f"Newcomer {uid}"],
            "sn": ["Newcomer"],
            "entryUUID": [str(uuid.uuid5(uuid.NAMESPACE_DNS, uid))],
        },
    )
