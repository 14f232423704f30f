"""Hands a mail to the mail server: SMTP (RFC 5321), encrypted and verified.

What may pass is `Delayed`, what never will is `Returned`. A mail may be handed over twice, where
the server's answer was lost; it then bears the same Message-ID.
"""

import smtplib
import socket
import ssl
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path

from cloudhands.common import settings
from cloudhands.common.errors import CloudhandsError
from cloudhands.common.forms import writable

# The service is not available: it says nothing about this mail (RFC 5321, 3.8).
CLOSING = 421


class Delayed(CloudhandsError):
    """It may be taken later.

    :param for_all: whether the server would take no other mail now either.
    """

    def __init__(self, sentence: str, *, for_all: bool) -> None:
        super().__init__(writable(sentence))
        self.for_all = for_all


class Returned(CloudhandsError):
    """The server refuses this mail, for good."""

    def __init__(self, sentence: str) -> None:
        super().__init__(writable(sentence))


def send(mail: settings.Mail, state: Path, message: EmailMessage) -> None:
    """Hand a mail to the server.

    :param mail: the settings' `[mail]`, with a server.
    :param state: the folder that relative files are below.
    :raises Delayed: if it may be taken later.
    :raises Returned: if the server refuses it for good.
    """
    where = f"the mail server {mail.server}:{mail.at_port}"
    try:
        server = _connected(mail, state)
    # ValueError: a password that is not ASCII, a server's name that is none.
    except (OSError, ValueError) as error:
        raise Delayed(f"{where} cannot be used: {_words(error)}", for_all=True) from error
    try:
        _hand_over(server, message, where)
    finally:
        # It has been taken or not: what the server says to our farewell does not matter.
        with suppress(OSError):
            server.quit()
        server.close()


def _connected(mail: settings.Mail, state: Path) -> smtplib.SMTP:
    """A connection that is encrypted and logged in as the settings say."""
    name = socket.gethostname()  # smtplib would ask the domain name system for it
    if mail.tls:
        context = _context(mail, state)
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            mail.server, mail.at_port, name, timeout=mail.timeout, context=context
        )
    else:
        server = smtplib.SMTP(mail.server, mail.at_port, name, timeout=mail.timeout)
    try:
        server.ehlo_or_helo_if_needed()
        if mail.start_tls:
            server.starttls(context=_context(mail, state))
            server.ehlo_or_helo_if_needed()
        if mail.user is not None and mail.password_file is not None:
            file = state.absolute() / mail.password_file
            server.login(mail.user, file.read_text(encoding="utf-8").strip())
    except BaseException:
        server.close()
        raise
    return server


def _context(mail: settings.Mail, state: Path) -> ssl.SSLContext:
    file = state.absolute() / mail.ca_file if mail.ca_file else None
    return ssl.create_default_context(cafile=file)


def _hand_over(server: smtplib.SMTP, message: EmailMessage, where: str) -> None:
    (to,) = message["To"].addresses
    if not to.addr_spec.isascii() and not server.has_extn("smtputf8"):
        raise Returned(f"{where} knows ASCII addresses only (it has no SMTPUTF8)")
    sender = message["From"].addresses[0].addr_spec
    try:
        server.send_message(message, sender, [to.addr_spec])
    except smtplib.SMTPRecipientsRefused as error:
        (answer,) = error.recipients.values()
        raise _about_this_one(answer[0], f"{where} refuses whom it is for", error) from error
    except smtplib.SMTPDataError as error:
        code = error.smtp_code
        raise _about_this_one(code, f"{where} does not take it", error) from error
    except OSError as error:
        raise Delayed(f"{where} did not take it: {_words(error)}", for_all=True) from error


def _about_this_one(code: int, what: str, error: Exception) -> Delayed | Returned:
    sentence = f"{what}: {_words(error)}"
    return Returned(sentence) if code >= 500 else Delayed(sentence, for_all=code == CLOSING)


def _words(error: Exception) -> str:
    """What the server or the network said, as one line."""
    answer: tuple[int, bytes | str]
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        (answer,) = error.recipients.values()
    elif isinstance(error, smtplib.SMTPResponseException):
        answer = (error.smtp_code, error.smtp_error)
    else:
        return " ".join(str(error).split()) or type(error).__name__
    code, said = answer
    # What smtplib says itself is a text.
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{code} {' '.join(text.split())}"
