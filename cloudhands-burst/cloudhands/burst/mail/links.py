"""The links that a mail needs and the outbox must not hold: derived when it is sent."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from cloudhands.burst.mail.writing import CannotWrite
from cloudhands.common.db import secret_of
from cloudhands.common.registration import links
from cloudhands.common.registration.commands import INVITATION
from cloudhands.common.registration.publishing import DETAILS_AGAIN
from cloudhands.common.registration.queries import by_uuid
from cloudhands.common.registration.tables import Registration

# By template: the state in which the registration waits for it, and what the link is good for.
STEPS: Mapping[str, tuple[str, str]] = {
    INVITATION: ("invited", links.CONFIRM),
    DETAILS_AGAIN: ("confirmed", links.DETAIL),
}


def with_links(
    session: Session, template: str, values: Mapping[str, Any], portal: str, now: datetime
) -> Mapping[str, Any]:
    """The values of a mail with the links that its template needs.

    :param session: a writing one, which knows the secret.
    :param portal: its address, without a slash at its end.
    :raises CannotWrite: if the link would not be good any more, or would lead nowhere, so that
        nobody shall get it.
    """
    if template not in STEPS:
        return values
    state, purpose = STEPS[template]
    registration = _registration(session, values)
    if registration is None or registration.state != state or now >= registration.expires_at:
        found = registration.state if registration else "gone"
        raise CannotWrite(f"its link is not good any more: the registration is {found}")
    if not links.PAGE:
        raise CannotWrite("the portal has no page yet that its link could lead to")
    token = links.token(secret_of(session), purpose, registration)
    # In the query, which no log of ours holds.
    link = f"{portal}{links.PAGE}/{registration.uuid}?token={token}"
    return {**values, "link": link, "expires_at": registration.expires_at.isoformat()}


def _registration(session: Session, values: Mapping[str, Any]) -> Registration | None:
    try:
        uuid = UUID(values["registration"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise CannotWrite("it does not say which registration it is about") from None
    return by_uuid(session, uuid)
