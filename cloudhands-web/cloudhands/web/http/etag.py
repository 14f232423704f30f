"""Composes and compares entity tags (RFC 9110, section 8.8.3).

A tag covers everything that shapes an answer: release, site, media type, the viewer's session and
roles, and the versions of what is shown. It is computed before anything is rendered.
"""

import base64
import hashlib
import re
from collections.abc import Collection, Iterable
from uuid import UUID

from cloudhands.common.permissions import Role
from cloudhands.common.seen import Version
from cloudhands.web.http.negotiation import chosen_type
from cloudhands.web.request import PortalRequest

DIGEST_BYTES = 15
WRITTEN = re.compile(r'"([^"]*)"')


def compose(
    request: PortalRequest,
    roles: Collection[Role],
    versions: Iterable[Version],
    state: str = "",
) -> str:
    """The strong tag of what a request asks for, without its quotes.

    The viewer's session is in it, since forms bear a token of it, and so a page of another session
    is another page; and the viewer's version, since every page shows their name.

    :param state: of what a form edits; it stands before a dot, where `names` finds it.
    """
    viewer = request.signed_in
    shaping = (request.services.stamp, chosen_type(request), viewer, sorted(roles), *versions)
    digest = hashlib.sha256(repr(shaping).encode()).digest()[:DIGEST_BYTES]
    tag = base64.urlsafe_b64encode(digest).decode()
    return f"{state}.{tag}" if state else tag


def is_known(header: str, tag: str) -> bool:
    """Whether an `If-None-Match` names a tag, in whatever form: the comparison is weak."""
    return tag in WRITTEN.findall(header) or header.strip() == "*"


def state(uuid: UUID, wanted: int) -> str:
    """What names the present state of one thing, for its edit form.

    :param wanted: the number that rises with what people do to it.
    """
    return f"{wanted}-{uuid.hex[:12]}"


def names(header: str, state: str) -> bool:
    """Whether an `If-Match`, or a form's field, names this state of what is edited.

    Only what stands before the dot counts: another session, another media type or a new release
    is no edit. A tag that a proxy weakened while compressing (`W/`) counts as well.
    """
    tags = WRITTEN.findall(header) if '"' in header else [header]
    return any(tag.partition(".")[0] == state for tag in tags)
