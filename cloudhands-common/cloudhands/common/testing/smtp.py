"""A real mail server for tests, in a thread: keeps what it is given, and misbehaves as told."""

import ssl
from asyncio import WriteTransport
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from cloudhands.common.testing.certificates import Certificate
from cloudhands.common.testing.ports import LOOPBACK, free_port

TAKEN = "250 OK"


def taken(message: EmailMessage) -> str:
    """The answer to a mail that is taken."""
    return TAKEN


@dataclass
class MailServer:
    """What a running server was given, and how it answers.

    :param refusals: its answer to RCPT by address, for example `550 unknown`.
    :param on_data: is called with each mail before it is answered; answers what the server shall
        say, or None to cut the connection.
    :param login: the user and password that it wants first, if it wants any.
    """

    port: int
    messages: list[EmailMessage] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)
    on_data: Callable[[EmailMessage], str | None] = taken
    login: tuple[str, str] | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """The part of `[mail]` that names it."""
        return {"server": LOOPBACK, "port": self.port, "sender": "cloud@example.org"}

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer RCPT."""
        if self.login and not session.authenticated:
            return "530 Authentication required"
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return TAKEN

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail, and answer DATA."""
        content = envelope.content
        assert isinstance(content, bytes), "decode_data is off"
        message = message_from_bytes(content.replace(b"\r\n", b"\n"), policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        assert isinstance(server.transport, WriteTransport)
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        answer = self.on_data(message)
        if answer is None:
            server.transport.abort()
        return answer or TAKEN

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        """Whether user and password are the wanted ones."""
        user, password = self.login or ("", "")
        given = isinstance(data, LoginPassword) and (data.login, data.password)
        # Not handled: it is for aiosmtpd to say no.
        return AuthResult(success=given == (user.encode(), password.encode()), handled=False)


@contextmanager
def serving(
    port: int = 0,
    *,
    start_tls: Certificate | None = None,
    tls: Certificate | None = None,
    login: tuple[str, str] | None = None,
) -> Iterator[MailServer]:
    """A mail server on 127.0.0.1.

    :param port: 0 for a free one.
    :param start_tls: offers STARTTLS with this certificate, and takes nothing without.
    :param tls: speaks TLS from the first byte with this certificate.
    :param login: the user and password that it wants.
    """
    server = MailServer(port or free_port(), login=login)
    controller = Controller(
        server,
        hostname=LOOPBACK,
        port=server.port,
        ssl_context=_context(tls),
        tls_context=_context(start_tls),
        require_starttls=start_tls is not None,
        authenticator=server.authenticate if login else None,
        # It does not know of TLS from the first byte.
        auth_require_tls=start_tls is not None,
    )
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


def _context(certificate: Certificate | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file, certificate.key_file)
    return context
