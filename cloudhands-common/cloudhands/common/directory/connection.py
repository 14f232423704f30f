"""Opens connections to the directory: the first server that answers, verified, bound, read-only."""

import socket
import ssl
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import ldap3
import structlog
from ldap3.core import exceptions as ldap
from ldap3.core.results import RESULT_SUCCESS
from pyasn1.error import PyAsn1Error

from cloudhands.common import settings
from cloudhands.common.directory import framing
from cloudhands.common.errors import DirectoryError

# ldap3 decodes without checking: the answer of a broken server comes out as errors like these.
UNDECODABLE = (
    PyAsn1Error,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    RecursionError,
)

# A peer that vanished without a word is noticed after a minute, also by who only listens.
KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
# For so long a server that did not answer is tried after the others, by this process.
SHUNNED_SECONDS = 30.0

log = structlog.get_logger(__name__)


class Connection(ldap3.Connection):
    """ldap3's connection, which knows the settings that it was made by.

    :ivar url: of the server, as in the settings.
    :ivar source: the settings' `[directory]`.
    """

    url: str
    source: settings.Directory


class VerifiedTls(ldap3.Tls):
    """TLS that always verifies chain and host name, by Python's own context.

    ldap3 verifies nothing by default, and its check of host names is deprecated or a copy of an old
    one, depending on the Python.
    """

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        """Replace a connection's socket by a verified TLS one."""
        context = _verifying(self.ca_certs_file)
        connection.socket = context.wrap_socket(
            connection.socket,
            server_hostname=connection.server.host,
            do_handshake_on_connect=do_handshake,
        )


def _verifying(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise DirectoryError(
            f"directory.ca_file {ca_file} cannot be used: {error}. It has to hold, in PEM, the "
            "certificates of the authorities that vouch for the directory"
        ) from error


class _Shunned:
    """The servers that did not answer lately."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def last(self, urls: Sequence[str]) -> list[str]:
        """The same servers, those that did not answer after the others."""
        now = time.monotonic()
        return sorted(urls, key=lambda url: self._until.get(url, 0) > now)

    def add(self, url: str) -> None:
        """It does not answer."""
        self._until[url] = time.monotonic() + SHUNNED_SECONDS

    def remove(self, url: str) -> None:
        """It answers."""
        self._until.pop(url, None)


_shunned = _Shunned()


@contextmanager
def connect(
    directory: settings.Directory, state: Path, *, urls: Sequence[str] | None = None
) -> Iterator[Connection]:
    """A read-only connection, encrypted and bound as the settings say, for one `with` block.

    It leads to the first server that answers. Its operations raise; what the block lets through of
    LDAP's errors becomes a `DirectoryError`.

    :param directory: the settings' `[directory]`.
    :param state: the folder that relative files are below.
    :param urls: the servers to try, in this order; None for those of the settings.
    :raises DirectoryError: if no server can be reached, verified or understood.
    """
    connection = _first(directory, state, directory.urls if urls is None else urls)
    try:
        with _plainly(connection.url):
            yield connection
    finally:
        _close(connection)


def _first(directory: settings.Directory, state: Path, urls: Sequence[str]) -> Connection:
    password = _password(directory, state)
    troubles: list[DirectoryError] = []
    for url in _shunned.last(urls):
        try:
            connection = _opened(directory, state, url, password)
        except DirectoryError as error:
            if _is_about_us(error):
                raise
            _shunned.add(url)
            troubles.append(error)
            continue
        _shunned.remove(url)
        for trouble in troubles:
            log.warning("another server of the directory is used", reason=str(trouble), used=url)
        return connection
    if len(troubles) == 1:
        raise troubles[0]
    raise DirectoryError("; ".join(map(str, troubles)))


def _is_about_us(error: DirectoryError) -> bool:
    """Whether other servers would say the same: asked too often, they lock the account."""
    return isinstance(error.__cause__, ldap.LDAPInvalidCredentialsResult)


@contextmanager
def _plainly(url: str) -> Iterator[None]:
    try:
        yield
    except (ldap.LDAPException, OSError) as error:
        raise DirectoryError(f"the directory {url} cannot answer: {error}") from error
    except UNDECODABLE as error:
        if not _comes_from_ldap3(error):
            raise
        raise DirectoryError(f"what the directory {url} answers is not LDAP") from error


def _comes_from_ldap3(error: BaseException) -> bool:
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    module: str = frames[-1].f_globals.get("__name__", "")
    return module.startswith(("ldap3.", "pyasn1."))


def _opened(
    directory: settings.Directory, state: Path, url: str, password: str | None
) -> Connection:
    with _plainly(url):
        connection = _connection(directory, state, url, password)
        try:
            _open(connection, directory)
        except BaseException:
            _close(connection)
            raise
        return connection


def _connection(
    directory: settings.Directory, state: Path, url: str, password: str | None
) -> Connection:
    connection = Connection(
        ldap3.Server(
            url,
            get_info=ldap3.NONE,
            # Also the socket's timeout for every later answer.
            connect_timeout=directory.timeout,
            tls=_tls(directory, state),
        ),
        user=directory.bind_dn,
        password=password,
        read_only=True,
        raise_exceptions=True,
        # Following a referral would show the password to a server that nobody configured.
        auto_referrals=False,
        check_names=False,
        # The other one does not look where a value ends: see `framing`.
        fast_decoder=False,
    )
    framing.bound(connection)
    connection.url = url
    connection.source = directory
    return connection


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


def _open(connection: Connection, directory: settings.Directory) -> None:
    try:
        connection.open(read_server_info=False)
    except UnicodeError as error:
        raise OSError(f"no host can have this name: {error}") from error
    _tune(connection.socket)
    if directory.start_tls:
        connection.start_tls(read_server_info=False)
    connection.bind(read_server_info=False)
    require_success(connection.result)


def _tune(link: socket.socket) -> None:
    # Without it the bind after StartTLS waits some 40 ms for a delayed acknowledgement.
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        # Not every system has them all.
        if option := getattr(socket, name, None):
            link.setsockopt(socket.IPPROTO_TCP, option, value)


def _close(connection: Connection) -> None:
    # ldap3 forgets the socket of a connection that it could not open.
    remaining = connection.socket
    with suppress(ldap.LDAPException, OSError):
        connection.unbind()
    if remaining is not None:
        remaining.close()


def require_success(result: Mapping[str, Any]) -> None:
    """Raise unless an operation ended with success.

    :raises LDAPOperationResult: naming how it ended.
    """
    if result["result"] != RESULT_SUCCESS:
        raise ldap.LDAPOperationResult(result["result"], result["description"])
