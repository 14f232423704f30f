"""The socket that `cloud-serve` listens on: one that it makes, or one that it inherits.

supervisord (`fcgi-program`) and systemd (socket activation) hold a listening socket and hand it to
each process that they start, so that several serve one socket and none of them, when it is started
again, refuses anybody.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from cloudhands.common.errors import ConfigurationError
from cloudhands.common.settings import Settings

BACKLOG = 1024
PRIVATE = 0o077


@contextmanager
def listening(settings: Settings, fd: int | None = None) -> Iterator[socket.socket]:
    """The listening socket.

    :param fd: the inherited one's file descriptor; None makes one, as the settings say.
    :raises ConfigurationError: if there is no such descriptor, or the address is taken.
    """
    portal = settings.portal
    if fd is not None:
        listener = _inherited(fd)
    elif portal.nginx:
        listener = _private(settings.path(portal.socket))
    else:
        listener = _public(portal.host, portal.port)
    with listener:
        yield listener


def is_private(listener: socket.socket) -> bool:
    """Whether nobody but its owner, and so nginx, can connect."""
    return listener.family == socket.AF_UNIX


def name(listener: socket.socket) -> str:
    """The address, for the log."""
    address = listener.getsockname()
    return str(address) if is_private(listener) else f"{address[0]}:{address[1]}"


def _inherited(fd: int) -> socket.socket:
    try:
        # A copy: closing 0 itself would give its number to the next file that is opened.
        listener = socket.socket(fileno=os.dup(fd))
    except OSError:
        raise _nothing_inherited(fd) from None
    if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        listener.close()
        raise _nothing_inherited(fd)
    return listener


def _nothing_inherited(fd: int) -> ConfigurationError:
    return ConfigurationError(
        f"--fd {fd}: no listening socket is inherited by this number. supervisord's fcgi-program "
        "hands over 0, systemd 3; without --fd cloud-serve makes its own"
    )


def _public(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"portal.host {host}, portal.port {port}: {error.strerror}. "
            "Choose another port, for example --set portal.port=9000"
        ) from error


def _private(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_left_behind(path)
        before = os.umask(PRIVATE)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"portal.socket {path}: {error.strerror or error}. Stop whoever listens there, or "
            "choose another path, of at most 107 bytes"
        ) from error
    return listener


def _remove_left_behind(path: Path) -> None:
    """Remove a socket that a killed process left; one that somebody listens on stays."""
    if not path.is_socket():
        return
    with closing(socket.socket(socket.AF_UNIX)) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
