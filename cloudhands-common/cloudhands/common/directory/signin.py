"""Whose uid and password these are: the directory's own answer, by a bind as that person."""

from pathlib import Path
from typing import Any

import ldap3
from ldap3.core import exceptions as ldap
from ldap3.utils.conv import escape_filter_chars

from cloudhands.common import settings
from cloudhands.common.directory.connection import connect, require_success
from cloudhands.common.directory.entry import person, wanted
from cloudhands.common.person import Person

LONGEST_UID = 256
LONGEST_PASSWORD = 1024

# How servers say that a person's password is wrong, missing, locked or not to be used here.
REFUSALS = (
    ldap.LDAPInvalidCredentialsResult,
    ldap.LDAPInappropriateAuthenticationResult,
    ldap.LDAPInsufficientAccessRightsResult,
    ldap.LDAPConstraintViolationResult,
    ldap.LDAPUnwillingToPerformResult,
    ldap.LDAPNoSuchObjectResult,
    # Not a password that any directory could hold, for example with a control character.
    ldap.LDAPSASLPrepError,
)


def authenticate(
    directory: settings.Directory, state: Path, uid: str, password: str
) -> Person | None:
    """Whose uid and password these are, proved by binding as that person's entry.

    :param directory: the settings' `[directory]`.
    :param state: the folder that relative files are below.
    :param uid: as somebody typed it, in any case; never taken as a filter.
    :param password: as somebody typed it.
    :returns: the person, or None if there is not exactly one such person or the password is wrong.
    :raises DirectoryError: if the directory cannot tell.
    """
    # A bind with an empty password is anonymous, and succeeds.
    if not (_is_sensible(uid) and 0 < len(password) <= LONGEST_PASSWORD):
        return None
    with connect(directory, state) as connection:
        found = _search(connection, directory, uid)
        if len(found) != 1:
            return None
        ((dn, attributes),) = found.items()
        if not _binds(connection, dn, password):
            return None
        return person(attributes, directory.attributes)


def _is_sensible(uid: str) -> bool:
    return 0 < len(uid) <= LONGEST_UID and uid.isprintable()


def _search(
    connection: ldap3.Connection, directory: settings.Directory, uid: str
) -> dict[str, dict[str, list[bytes]]]:
    """Attributes by distinguished name: a base may be below another one."""
    filter = f"(&{directory.people}({directory.attributes.uid}={escape_filter_chars(uid)}))"
    return {
        item["dn"]: item["raw_attributes"]
        for base in directory.bases
        for item in search(connection, directory, filter, base=base)
    }


def search(
    connection: ldap3.Connection,
    directory: settings.Directory,
    filter: str,
    *,
    base: str | None = None,
    **options: Any,
) -> list[dict[str, Any]]:
    """The entries below a base that match a filter, as ldap3 gives them.

    :param base: None for the settings' first.
    :param options: of ldap3's `Connection.search`, besides base, filter and attributes.
    :raises LDAPOperationResult: also if the answer is only a part: ldap3 takes a size or time limit
        or a referral for success, whatever it is told to raise.
    """
    connection.search(
        directory.base if base is None else base,
        filter,
        attributes=wanted(directory.attributes),
        dereference_aliases=ldap3.DEREF_NEVER,
        **options,
    )
    require_success(connection.result)
    return [item for item in connection.response or () if item["type"] == "searchResEntry"]


def _binds(connection: ldap3.Connection, dn: str, password: str) -> bool:
    try:
        return bool(connection.rebind(user=dn, password=password, read_server_info=False))
    except REFUSALS:
        return False
