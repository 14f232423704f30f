"""The LDAP directory: how to reach it, what a person is, and whether a password is theirs.

Everything that speaks LDAP opens its connection by `connection`, so that verification of
certificates, failover, timeouts and read-only use hold everywhere. The directory is somebody else's
and is never trusted to be tidy: a value may be missing, repeated, binary or not text at all
(`entry`).
"""

from cloudhands.common.directory.connection import Connection, connect
from cloudhands.common.directory.entry import (
    Attributes,
    disabled,
    first,
    identifier,
    person,
    texts,
    values,
    wanted,
)
from cloudhands.common.directory.signin import authenticate, search

__all__ = [
    "Attributes",
    "Connection",
    "authenticate",
    "connect",
    "disabled",
    "first",
    "identifier",
    "person",
    "search",
    "texts",
    "values",
    "wanted",
]
