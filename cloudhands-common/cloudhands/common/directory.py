"""The LDAP directory: how to reach it, what a person is, and whether a password is theirs.

Everything that speaks LDAP opens its connection here, so that verification of certificates,
timeouts and read-only use hold everywhere. The directory is somebody else's and is never trusted to
be tidy: a value may be missing, repeated, binary or not text at all.
"""

import ssl
import traceback
import unicodedata
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import Any

import ldap3
from ldap3.core import exceptions as ldap
from ldap3.core.results import RESULT_SUCCESS
from ldap3.utils.conv import escape_filter_chars
from pyasn1.error import PyAsn1Error

from cloudhands.common import settings
from cloudhands.common.errors import DirectoryError
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

# ldap3 decodes without checking: the answer of a broken server comes out as errors like these.
UNDECODABLE = (PyAsn1Error, LookupError, ValueError, TypeError, AttributeError)

Attributes = Mapping[str, Sequence[bytes]]


class VerifiedTls(ldap3.Tls):
    """TLS that always verifies chain and host name, by Python's own context.

    ldap3 verifies nothing by default, and its check of host names is deprecated or a copy of an old
    one, depending on the Python.
    """

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        """Replace a connection's socket by a verified TLS one."""
        context = ssl.create_default_context(cafile=self.ca_certs_file)
        connection.socket = context.wrap_socket(
            connection.socket,
            server_hostname=connection.server.host,
            do_handshake_on_connect=do_handshake,
        )


@contextmanager
def connect(directory: settings.Directory, state: Path) -> Iterator[ldap3.Connection]:
    """A read-only connection, encrypted and bound as the settings say, for one `with` block.

    Its operations raise; what the block lets through of LDAP's errors becomes a `DirectoryError`.

    :param directory: the settings' `[directory]`.
    :param state: the folder that relative files are below.
    :raises DirectoryError: if the directory cannot be reached, verified or understood.
    """
    with _plainly(directory):
        connection = _connection(directory, state)
        try:
            _open(connection, directory)
            yield connection
        finally:
            _close(connection)


@contextmanager
def _plainly(directory: settings.Directory) -> Iterator[None]:
    try:
        yield
    except (ldap.LDAPException, OSError) as error:
        raise DirectoryError(f"the directory {directory.url} cannot answer: {error}") from error
    except UNDECODABLE as error:
        if not _comes_from_ldap3(error):
            raise
        raise DirectoryError(f"what the directory {directory.url} answers is not LDAP") from error


def _comes_from_ldap3(error: BaseException) -> bool:
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    module: str = frames[-1].f_globals.get("__name__", "")
    return module.startswith(("ldap3.", "pyasn1."))


def _connection(directory: settings.Directory, state: Path) -> ldap3.Connection:
    return ldap3.Connection(
        ldap3.Server(
            directory.url,
            get_info=ldap3.NONE,
            # Also the socket's timeout for every later answer.
            connect_timeout=directory.timeout,
            tls=_tls(directory, state),
        ),
        user=directory.bind_dn,
        password=_password(directory, state),
        read_only=True,
        raise_exceptions=True,
        # Following a referral would show the password to a server that nobody configured.
        auto_referrals=False,
        check_names=False,
    )


def _tls(directory: settings.Directory, state: Path) -> VerifiedTls:
    ca_file = state.absolute() / directory.ca_file if directory.ca_file else None
    return VerifiedTls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(ca_file) if ca_file else None)


def _password(directory: settings.Directory, state: Path) -> str | None:
    if directory.password_file is None:
        return None
    file = state.absolute() / directory.password_file
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DirectoryError(f"directory.password_file {file} cannot be read: {error}") from error


def _open(connection: ldap3.Connection, directory: settings.Directory) -> None:
    connection.open(read_server_info=False)
    # Without it the bind after StartTLS waits some 40 ms for a delayed acknowledgement.
    connection.socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    if directory.start_tls:
        connection.start_tls(read_server_info=False)
    connection.bind(read_server_info=False)
    _require_success(connection.result)


def _close(connection: ldap3.Connection) -> None:
    # ldap3 forgets the socket of a connection that it could not open.
    remaining = connection.socket
    with suppress(ldap.LDAPException, OSError):
        connection.unbind()
    if remaining is not None:
        remaining.close()


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
        if len(found) != 1 or not _binds(connection, found[0]["dn"], password):
            return None
        return person(found[0]["raw_attributes"], directory.attributes)


def _is_sensible(uid: str) -> bool:
    return 0 < len(uid) <= LONGEST_UID and uid.isprintable()


def _search(
    connection: ldap3.Connection, directory: settings.Directory, uid: str
) -> list[dict[str, Any]]:
    found = f"(&{directory.people}({directory.attributes.uid}={escape_filter_chars(uid)}))"
    return search(connection, directory, found)


def search(
    connection: ldap3.Connection, directory: settings.Directory, filter: str, **options: Any
) -> list[dict[str, Any]]:
    """The entries below the base that match a filter, as ldap3 gives them.

    :param options: of ldap3's `Connection.search`, besides base, filter and attributes.
    :raises LDAPOperationResult: also if the answer is only a part: ldap3 takes a size or time limit
        or a referral for success, whatever it is told to raise.
    """
    connection.search(
        directory.base,
        filter,
        attributes=wanted(directory.attributes),
        dereference_aliases=ldap3.DEREF_NEVER,
        **options,
    )
    _require_success(connection.result)
    return [item for item in connection.response or () if item["type"] == "searchResEntry"]


def _require_success(result: Mapping[str, Any]) -> None:
    if result["result"] != RESULT_SUCCESS:
        raise ldap.LDAPOperationResult(result["result"], result["description"])


def _binds(connection: ldap3.Connection, dn: str, password: str) -> bool:
    try:
        return bool(connection.rebind(user=dn, password=password, read_server_info=False))
    except REFUSALS:
        return False


def wanted(names: settings.Attributes) -> list[str]:
    """The attributes to ask the directory for: those that make a `Person`."""
    return [names.id, names.uid, names.name, names.mail]


def person(attributes: Attributes, names: settings.Attributes) -> Person | None:
    """The person that a raw entry describes, or None if it has no identifier or no uid.

    :param attributes: as the directory sent them: bytes, any number of each.
    :param names: which attribute holds what.
    """
    identifier = _identifier(values(attributes, names.id), names.id)
    uid = next(filter(None, map(_exact, values(attributes, names.uid))), "")
    if not (identifier and uid):
        return None
    name = first(texts(attributes, names.name)) or uid
    return Person(identifier, uid, name, first(texts(attributes, names.mail)))


def values(attributes: Attributes, name: str) -> Sequence[bytes]:
    """An attribute's values; servers answer in a case of their own."""
    if name in attributes:
        return attributes[name]
    wanted_name = name.lower()
    return next((found for key, found in attributes.items() if key.lower() == wanted_name), ())


def texts(attributes: Attributes, name: str) -> list[str]:
    """An attribute's values as text for people: no control characters, no blank ones.

    What is not UTF-8 shows as replacement characters.
    """
    return list(filter(None, (_readable(value) for value in values(attributes, name))))


def first(found: Sequence[str]) -> str:
    """The first of some texts, or an empty one."""
    return found[0] if found else ""


def _readable(value: bytes) -> str:
    text = value.decode("utf-8", errors="replace")
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(sign) == "Cc" else sign for sign in text)
    return " ".join(text.split())


def _exact(value: bytes) -> str:
    """Text that stands for exactly these bytes, or an empty one."""
    try:
        text = value.decode("utf-8").strip()
    except UnicodeDecodeError:
        return ""
    return text if text.isprintable() else ""


def _identifier(found: Sequence[bytes], name: str) -> str:
    if not found or not found[0]:
        return ""
    # Active Directory's is binary, and shown by all its tools in Microsoft's byte order.
    if name.lower() == "objectguid" and len(found[0]) == 16:
        return str(uuid.UUID(bytes_le=bytes(found[0])))
    return _exact(found[0]) or found[0].hex()
