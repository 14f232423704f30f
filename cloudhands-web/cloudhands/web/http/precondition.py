"""Edits that must not undo somebody else's: `If-Match`, 428 and 412 (RFC 9110, RFC 6585).

Programs send the ETag of the form that they read; an HTML form bears it in a hidden field.
"""

from collections.abc import Callable
from typing import Any

from pyramid.httpexceptions import HTTPPreconditionRequired
from pyramid.response import Response

from cloudhands.common.errors import Outdated
from cloudhands.web.http import etag, fields
from cloudhands.web.http.body import UNSAFE
from cloudhands.web.request import PortalRequest

ANY = "*"
MISSING = "Say which state you change: send If-Match with the ETag of the form."
UNCONDITIONAL = "This cannot be asked under a condition. Leave If-Match out."
CHANGED = "Somebody changed this meanwhile. Look at what it is now, and send it again if need be."


def guarded(
    view: Callable[[Any, PortalRequest], Response], edits: bool
) -> Callable[[Any, PortalRequest], Response]:
    """A view that is asked only with the condition that it needs, and with none otherwise.

    :param edits: whether it needs one.
    """

    def answer(scope: Any, request: PortalRequest) -> Response:
        if request.method in UNSAFE:
            _require(request, edits)
        return view(scope, request)

    return answer


def _require(request: PortalRequest, edits: bool) -> None:
    if edits and not _expected(request):
        raise HTTPPreconditionRequired(MISSING)
    if not edits and request.headers.get("If-Match", ANY) != ANY:
        raise Outdated(UNCONDITIONAL)


def check(request: PortalRequest, state: str) -> None:
    """Refuse an edit of what has changed since the form was read; asked with the row locked.

    :param state: the present one of what is edited (`etag.state`).
    :raises Outdated: if the request names another.
    """
    expected = _expected(request)
    if expected != ANY and not etag.names(expected, state):
        raise Outdated(CHANGED)


def _expected(request: PortalRequest) -> str:
    header: str = request.headers.get("If-Match", "").strip()
    return header or request.body_values.get(fields.IF_MATCH, "")
