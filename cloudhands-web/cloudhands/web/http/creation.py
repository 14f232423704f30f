"""Answers to creations, and `Idempotency-Key`: a repeated request makes nothing twice.

draft-ietf-httpapi-idempotency-key-header. A program sends a key of its own in the header. An HTML
form bears one in a hidden field, so that a double click launches one machine; there the typed
values count as a part of the key, since people go back and change them.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPBadRequest
from pyramid.response import Response
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudhands.common import idempotency
from cloudhands.common.errors import KeyReused, Refused
from cloudhands.web.http import fields
from cloudhands.web.http.negotiation import done
from cloudhands.web.http.submission import typed
from cloudhands.web.request import PortalRequest

HEADER = "Idempotency-Key"
LONGEST = 255

View = Callable[[Any, PortalRequest], Response]


def created(request: PortalRequest, session: Session, location: str) -> Response:
    """The answer to a creation, kept under its key in the creation's own transaction.

    :param session: the writing one, before it commits.
    :param location: the path of what was made.
    """
    if key := _key(request):
        user_id, now = request.signed_in.user_id, request.services.clock()
        idempotency.keep(session, user_id, key, _digest(request), location, now)
    return done(request, location, created=True)


def of_last_creation(request: PortalRequest) -> int:
    """What the next form that makes something bears as its key; a creation changes it."""
    return idempotency.latest(request.connection, request.signed_in.user_id)


def once(view: View, info: Any) -> View:
    """Pyramid's view deriver; its option `creates` says that a view makes something."""
    if not info.options.get("creates"):
        return view

    def answer(scope: Any, request: PortalRequest) -> Response:
        if not _key(request):
            return view(scope, request)
        made = _made(request)
        return made or _make(view, scope, request)

    return answer


once.options = ("creates",)  # type: ignore[attr-defined]


def _make(view: View, scope: Any, request: PortalRequest) -> Response:
    try:
        return view(scope, request)
    except (IntegrityError, Refused):
        # Perhaps the same request, at the same moment: then it is made now, and that is why.
        request.release()
        made = _made(request)
        if made is None:
            raise
        return made


def _made(request: PortalRequest) -> Response | None:
    """The answer that this request had before.

    :raises KeyReused: if the key came with another request.
    """
    found = idempotency.find(request.connection, request.signed_in.user_id, _key(request))
    if found is None:
        return None
    digest, location = found
    if digest != _digest(request):
        raise KeyReused("This Idempotency-Key came with another request. Take a new one.")
    return done(request, location, created=True)


def _key(request: PortalRequest) -> str:
    header = request.headers.get(HEADER)
    if header is None:
        field = request.body_values.get(fields.IDEMPOTENCY_KEY)
        return f"form {field} {_digest(request)}" if field else ""
    key: str = header.strip().strip('"')
    if not key or len(key) > LONGEST or not key.isprintable():
        raise HTTPBadRequest(f"{HEADER} must have 1 to {LONGEST} printable characters.")
    return f"header {key}"


def _digest(request: PortalRequest) -> str:
    """What was asked: where, and with which values."""
    asked = (request.path, sorted(typed(request).items()))
    return hashlib.sha256(repr(asked).encode()).hexdigest()


def includeme(config: Configurator) -> None:
    """Install the deriver."""
    config.add_view_deriver(once)
