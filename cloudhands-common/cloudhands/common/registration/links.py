"""The tokens in the links that a registration sends: derived, single use, each for one step."""

from cloudhands.common import tokens
from cloudhands.common.errors import NotFound
from cloudhands.common.registration.tables import Registration

PAGE = ""
"""The path of the portal's page that takes these links, above the registration's uuid.

It is empty while there is no such page: no program invites people to register yet, and a mail that
led nowhere is not sent.
"""

CONFIRM = "registration"
DETAIL = "registration-detail"


def token(secret: bytes, purpose: str, registration: Registration) -> str:
    """The token for one step, good until the step is made or the person is invited again.

    :param purpose: `CONFIRM` or `DETAIL`.
    """
    return tokens.derive(secret, purpose, _subject(registration))


def require(given: str, secret: bytes, purpose: str, registration: Registration) -> None:
    """Refuse a token that is not the one for this step.

    :raises NotFound: with the same words whatever is wrong with it.
    """
    if not tokens.matches(given, secret, purpose, _subject(registration)):
        raise NotFound(
            "This link is not good, or not any more: it can be used once, and a newer one takes "
            "its place. Use the link in the newest mail, or ask to be invited again."
        )


def _subject(registration: Registration) -> str:
    return f"{registration.uuid}:{registration.nonce}"
