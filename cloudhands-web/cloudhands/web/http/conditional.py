"""Conditional requests (RFC 9110, section 13), solved once for every page.

A view that shows something says by what versions it changes (`shows`); a view that edits says so
(`edits`). What follows from that is here: ETags, 304 before anything is rendered, who may keep a
copy, 412 and 428.
"""

from collections.abc import Callable
from typing import Any

from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError
from pyramid.response import Response

from cloudhands.common.seen import Version
from cloudhands.web.http import etag, precondition
from cloudhands.web.request import PortalRequest

Shows = Callable[[Any, PortalRequest], tuple[Version, ...]]
View = Callable[[Any, PortalRequest], Response]

OK = 200
VARY = "Accept, Cookie"
PRIVATE = "private, no-cache"
# A proxy stores nothing that is stale at once; after a second it asks again, with the tag.
PUBLIC = "public, max-age=1"


def the_release(scope: Any, request: PortalRequest) -> tuple[Version, ...]:
    """For `shows`: a page that changes with the release alone, which is part of every tag."""
    return ()


def conditional(view: View, info: Any) -> View:
    """Pyramid's view deriver; its options are

    * `shows`: the versions that the page depends on, from its scope and the request;
    * `shared`: what a visitor sees is the same for every visitor;
    * `edits`: the form of something that people edit, or its submission.
    """
    if info.exception_only:
        return view
    shows: Shows | None = info.options.get("shows")
    edits = bool(info.options.get("edits"))
    if shows is None:
        _refuse_a_page(info)
        return precondition.guarded(view, edits)
    shared = bool(info.options.get("shared"))

    def answer(scope: Any, request: PortalRequest) -> Response:
        state = etag.state(scope.uuid, scope.seen.wanted) if edits else ""
        tag = etag.compose(request, scope.roles, shows(scope, request), state)
        if etag.is_known(request.headers.get("If-None-Match", ""), tag):
            return Response(status=304, headerlist=_headers(request, tag, shared))
        request.etag = tag
        response = view(scope, request)
        if response.status_int == OK:
            response.headerlist.extend(_headers(request, tag, shared))
        return response

    return answer


conditional.options = ("shows", "shared", "edits")  # type: ignore[attr-defined]


def _headers(request: PortalRequest, tag: str, shared: bool) -> list[tuple[str, str]]:
    policy = PUBLIC if shared and not request.is_personal else PRIVATE
    return [("ETag", f'"{tag}"'), ("Cache-Control", policy), ("Vary", VARY)]


def _refuse_a_page(info: Any) -> None:
    renderer = info.options.get("renderer")
    if renderer is not None and renderer.name:
        raise ConfigurationError(
            f"the view {info.original_view!r} of a page says not what it shows"
        )


def includeme(config: Configurator) -> None:
    """Install the deriver."""
    config.add_view_deriver(conditional)
