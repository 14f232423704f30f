"""Makes a mail of a row of the outbox: plain text by a template, which is package data.

Each template has two blocks, `subject` and `body`. Values are other people's words: what would be
more than one line of a header becomes one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any
from uuid import UUID

from jinja2 import Environment, PackageLoader, StrictUndefined, TemplateNotFound, UndefinedError

from cloudhands.common.errors import CloudhandsError
from cloudhands.common.expiry.commands import moment

SUFFIX = ".jinja"
# Longer than anything that is worth reading in a list of mails.
LONGEST_SUBJECT = 200


class CannotWrite(CloudhandsError):
    """No mail can ever be made of it; the sentence says why, for the operator."""


@dataclass(frozen=True)
class Letter:
    """What a mail is made of, but for its text.

    :param uuid: the outbox's; the same mail sent again bears the same Message-ID.
    :param to: whom it goes to, one mail address.
    """

    uuid: UUID
    to: str
    template: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Sender:
    """Whose mail it is.

    :param address: the mail address that it comes from.
    :param title: the site's, as people read it.
    :param support: where people ask for help.
    :param portal: the portal's address, without a slash at its end.
    """

    address: str
    title: str
    support: str
    portal: str


def write(letter: Letter, sender: Sender, now: datetime) -> EmailMessage:
    """A mail, ready to be sent.

    :raises CannotWrite: if there is no such template, a value is missing or the address is none.
    """
    subject, body = _text(letter, sender)
    origin = _address(sender.address, _line(sender.title))
    message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    message["From"] = origin
    message["To"] = _address(letter.to)
    message["Reply-To"] = _address(sender.support)
    message["Subject"] = subject
    message["Date"] = format_datetime(now.astimezone(UTC))
    message["Message-ID"] = f"<{letter.uuid}@{origin.domain}>"
    # RFC 3834: nobody's holiday notice answers it.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body)
    return message


def _address(text: str, name: str = "") -> Address:
    """A mail address; its domain as the domain name system knows it."""
    try:
        found = Address(addr_spec=text)
        domain = found.domain.encode("idna").decode("ascii")
        return Address(name, found.username, domain)
    # Of the standard library's parser: what it did not reckon with comes out as a LookupError.
    except (MessageError, ValueError, LookupError) as error:
        raise CannotWrite(f"{text!r} is no mail address: {error}") from error


def _text(letter: Letter, sender: Sender) -> tuple[str, str]:
    name = letter.template
    try:
        template = _ENVIRONMENT.get_template(name + SUFFIX)
        context = template.new_context({**letter.values, "sender": sender})
        subject = "".join(template.blocks["subject"](context))
        return _line(subject)[:LONGEST_SUBJECT], template.render(**letter.values, sender=sender)
    except TemplateNotFound as error:
        raise CannotWrite(f"there is no template {name!r} for mail") from error
    except (UndefinedError, TypeError, ValueError) as error:
        raise CannotWrite(f"the template {name!r} cannot be filled in: {error}") from error


def _line(text: str) -> str:
    """A text as one line: a header has no second one."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _moment(value: str) -> str:
    """A moment of the values, which are JSON."""
    return moment(datetime.fromisoformat(value))


_ENVIRONMENT = Environment(
    loader=PackageLoader("cloudhands.burst.mail"),
    autoescape=False,  # plain text
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_ENVIRONMENT.filters["moment"] = _moment
