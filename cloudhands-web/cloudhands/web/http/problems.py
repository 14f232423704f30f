"""Every error becomes `application/problem+json` (RFC 9457) or a page with a plain sentence.

A person never sees a traceback; the operator always finds it in the log, under the id that the
page shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

import structlog
from pyramid.config import Configurator
from pyramid.exceptions import BadCSRFOrigin, BadCSRFToken, URLDecodeError
from pyramid.httpexceptions import HTTPException, HTTPSeeOther
from pyramid.response import Response
from sqlalchemy.exc import IntegrityError

from cloudhands.common import errors
from cloudhands.common.db import UNREACHABLE
from cloudhands.web.http import hal
from cloudhands.web.http.body import UNSAFE
from cloudhands.web.http.cookies import SESSION_COOKIE
from cloudhands.web.http.negotiation import PROBLEM_JSON, render_problem, wants_json
from cloudhands.web.http.problem_types import TYPES, of_status
from cloudhands.web.representation import Representation
from cloudhands.web.request import PortalRequest

log = structlog.get_logger(__name__)

TEMPLATE = "templates/problem.jinja"


@dataclass(frozen=True)
class Problem:
    """What went wrong, as RFC 9457 divides it.

    :param type: its name in `problem_types.TYPES`.
    :param detail: a sentence about this very occurrence.
    :param errors: a sentence for each wrong field.
    :param headers: what the answer carries besides.
    :param members: what its document has besides (RFC 9457, 3.2).
    """

    type: str
    detail: str
    errors: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, object] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The type's."""
        return TYPES[self.type].title

    @property
    def status(self) -> int:
        """The type's."""
        return TYPES[self.type].status

    def as_json(self) -> dict[str, object]:
        """The members of a problem document."""
        return {
            "type": f"/problems/{self.type}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **({"errors": dict(self.errors)} if self.errors else {}),
            **self.members,
        }


REFUSALS: Mapping[type[errors.Refused], str] = {
    errors.Unauthenticated: "not-signed-in",
    errors.NotFound: "not-found",
    errors.Forbidden: "forbidden",
    errors.Conflict: "conflict",
    errors.Outdated: "outdated",
    errors.KeyReused: "key-reused",
    errors.LimitReached: "limit-reached",
    errors.TooManyAttempts: "too-many-attempts",
    errors.InvalidInput: "invalid-input",
}
# RFC 9110 wants a challenge with each 401. Ours are cookies (draft-broyer-http-cookie-auth):
# browsers do not know the scheme, so they do not put a dialogue of their own in the way.
CHALLENGE = f'Cookie realm="cloudhands", cookie-name="{SESSION_COOKIE}"'


def of_refusal(error: errors.Refused) -> Problem:
    """The problem that a refused command is."""
    fields = error.fields if isinstance(error, errors.InvalidInput) else {}
    return Problem(REFUSALS[type(error)], str(error), fields, _headers(error))


def _headers(error: errors.Refused) -> Mapping[str, str]:
    if isinstance(error, errors.TooManyAttempts):
        return {"Retry-After": str(max(1, round(error.retry_after)))}
    if isinstance(error, errors.Unauthenticated):
        return {"WWW-Authenticate": CHALLENGE}
    return {}


def answer(request: PortalRequest, problem: Problem) -> Response:
    """A problem in the form that the client asked for; a program that takes neither gets JSON."""
    if wants_json(request):
        body = hal.dumps(problem.as_json())
        response = Response(body=body, content_type=PROBLEM_JSON, charset="utf-8")
    else:
        response = Response(text=render_problem(request, TEMPLATE, _page(problem)))
    response.status_int = problem.status
    response.cache_control = "no-store"
    response.vary = ("Accept", "Cookie")
    response.headers.update(problem.headers)
    return response


def _page(problem: Problem) -> Representation:
    info = {"detail": problem.detail, "errors": problem.errors, "status": problem.status}
    return Representation(title=problem.title, info=info)


def refused(error: errors.Refused, request: PortalRequest) -> Response:
    """Somebody asked for what cannot be done; a person who is not signed in is shown where to."""
    if isinstance(error, errors.Unauthenticated) and not wants_json(request):
        return _to_sign_in(request)
    return answer(request, of_refusal(error))


def _to_sign_in(request: PortalRequest) -> Response:
    if "HX-Request" in request.headers:
        # A part of a page that renews itself: the whole page goes, or the part would vanish.
        # Not parsed, since anything may be said there; signing in leads to our own pages alone.
        _, _, path = request.headers.get("HX-Current-URL", "").partition("://")[2].partition("/")
        headers = {"HX-Redirect": _sign_in(request, f"/{path}"), "WWW-Authenticate": CHALLENGE}
        response = Response(status=401, cache_control="no-store")
        response.headers.update(headers)
        return response
    wanted = "" if request.method in UNSAFE else request.path_qs
    return HTTPSeeOther(location=_sign_in(request, wanted), cache_control="no-store")


def _sign_in(request: PortalRequest, wanted: str) -> str:
    path: str = request.route_path("sign-in", _query={"next": wanted} if wanted else None)
    return path


def http_error(error: HTTPException, request: PortalRequest) -> Response:
    """Pyramid's and WebOb's own answers, ours among them; what is no error passes as it is."""
    if error.status_int < 400:
        return error
    kind = of_status(error.status_int)
    # Pyramid's detail of a 404 is the path, which nobody needs to be told.
    detail = (error.status_int != 404 and error.detail) or kind.meaning
    return answer(request, Problem(kind.name, detail, headers=_own_headers(error)))


def _own_headers(error: HTTPException) -> Mapping[str, str]:
    of_the_body = {"content-type", "content-length"}
    return {name: value for name, value in error.headerlist if name.lower() not in of_the_body}


def bad_token(error: Exception, request: PortalRequest) -> Response:
    """A form without the right token: too old, of another session, or not ours."""
    detail = "This form is too old or not from this site. Go back, load the page again and retry."
    return answer(request, Problem("stale-form", detail))


def not_text(error: Exception, request: PortalRequest) -> Response:
    """An address that is not UTF-8."""
    return answer(request, Problem("bad-request", "The address is not UTF-8 text."))


def _path(request: PortalRequest) -> str:
    # Not WebOb's: the path may be what could not be decoded.
    return repr(request.environ.get("PATH_INFO", ""))


def overtaken(error: IntegrityError, request: PortalRequest) -> Response:
    """The database forbade it: somebody else did the same at the same moment."""
    log.warning("overtaken", path=_path(request), exc_info=error)
    detail = "Somebody else changed the same thing at the same moment. Look again and retry."
    return answer(request, Problem("conflict", detail))


def unavailable(error: Exception, request: PortalRequest) -> Response:
    """Something that the portal needs does not answer."""
    log.error("unavailable", path=_path(request), exc_info=error)
    detail = "A part of the service does not answer at the moment. Try again in a minute."
    return answer(request, Problem("unavailable", detail, headers={"Retry-After": "10"}))


def unexpected(error: Exception, request: PortalRequest) -> Response:
    """A fault of ours: the traceback goes to the log, its id to the person."""
    incident = uuid4().hex[:12]
    log.error("unexpected error", incident=incident, path=_path(request), exc_info=error)
    detail = f"This is our fault and has been recorded as {incident}. Please try again."
    return answer(request, Problem("internal-error", detail))


def includeme(config: Configurator) -> None:
    """Register a view for every kind of error."""
    for context, view in (
        (errors.Refused, refused),
        (HTTPException, http_error),
        (BadCSRFToken, bad_token),
        (BadCSRFOrigin, bad_token),
        (URLDecodeError, not_text),
        (UnicodeDecodeError, not_text),
        (IntegrityError, overtaken),
        *((error, unavailable) for error in UNREACHABLE),
        (errors.DirectoryError, unavailable),
        (errors.IndexUnavailable, unavailable),
        (Exception, unexpected),
    ):
        config.add_exception_view(view, context=context)
