"""Answers in the form that the client asked for: HTML for people, HAL-FORMS for programs.

A view returns a `Representation` and names its HTML template as its renderer; this module's
renderer decides by the `Accept` header which of the two is sent.
"""

import functools
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotAcceptable, HTTPSeeOther
from pyramid.response import Response
from webob.acceptparse import create_accept_header

from cloudhands.common.account.sessions import SignedIn
from cloudhands.web.http import hal, templates
from cloudhands.web.representation import Representation
from cloudhands.web.request import PortalRequest
from cloudhands.web.security import csrf

HTML = "text/html"
HAL_FORMS = "application/prs.hal-forms+json"
PROBLEM_JSON = "application/problem+json"
PAGE_OFFERS = (HTML, HAL_FORMS, "application/hal+json", "application/json")
LONGEST_ACCEPT = 1000


def chosen_type(request: PortalRequest) -> str:
    """The media type of a page; HTML for whoever takes anything, HAL-FORMS for any other JSON.

    :raises HTTPNotAcceptable: if the client takes none of them.
    """
    kind = best_type(request.headers.get("Accept", ""))
    if kind is None:
        raise HTTPNotAcceptable(f"This page comes as {', '.join(PAGE_OFFERS)}.")
    return kind


def wants_json(request: PortalRequest) -> bool:
    """Whether the client is a program; whoever does not take HTML is one."""
    return best_type(request.headers.get("Accept", "")) != HTML


@functools.lru_cache(maxsize=256)
def best_type(header: str) -> str | None:
    """The media type for a header `Accept`; None if it takes none of ours."""
    # What is missing, empty, malformed or longer than any browser's asks for nothing.
    ranges = create_accept_header(header).parsed if len(header) <= LONGEST_ACCEPT else None
    if not ranges:
        return HTML
    # Clients write `application/json; charset=utf-8`: the parameters of a range are disregarded.
    plain = (f"{kind.partition(';')[0]};q={weight}" for kind, weight, _, _ in ranges)
    offers = create_accept_header(", ".join(plain)).acceptable_offers([*PAGE_OFFERS, PROBLEM_JSON])
    if not offers:
        return None
    chosen: str = offers[0][0]
    return HAL_FORMS if chosen == PROBLEM_JSON else chosen


def done(request: PortalRequest, location: str, *, created: bool = False) -> Response:
    """The answer to a command: where to look now."""
    if created and wants_json(request):
        body = {"_links": {"self": {"href": location}}}
        return Response(json_body=body, status=201, content_type=HAL_FORMS, location=location)
    return HTTPSeeOther(location=location)


def render_html(request: PortalRequest, template: str, page: Representation) -> str:
    """A page as HTML.

    :param template: its path below the package, for example `pages/front/templates/front.jinja`.
    """
    return _render(request, template, page, request.signed_in, csrf.token(request))


def render_problem(request: PortalRequest, template: str, page: Representation) -> str:
    """A page that says what went wrong, also when that is what a page needs: the database, say."""
    try:
        return render_html(request, template, page)
    except Exception:  # noqa: BLE001 (what it is was logged, and is being answered)
        return _render(request, template, page, None, "")


def _render(
    request: PortalRequest,
    template: str,
    page: Representation,
    viewer: SignedIn | None,
    csrf_token: str,
) -> str:
    environment: Environment = request.registry.jinja
    return environment.get_template(template).render(
        page=page,
        site=request.services.site,
        viewer=viewer,
        csrf_token=csrf_token,
        etag=request.etag,
        path=request.route_path,
        static=request.file_path,
    )


class _PageRenderer:
    def __init__(self, info: Any) -> None:
        self._template = info.name

    def __call__(self, page: Representation, system: Mapping[str, Any]) -> str | bytes:
        request = system["request"]
        kind = chosen_type(request)
        request.response.content_type = kind
        if kind == HTML:
            return render_html(request, self._template, page)
        return hal.dumps(hal.render(page, csrf.token(request)))


def includeme(config: Configurator) -> None:
    """Register the renderer for page templates."""
    config.registry.jinja = templates.environment()
    config.add_renderer(".jinja", _PageRenderer)
