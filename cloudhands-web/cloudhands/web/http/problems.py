"""Every error becomes `application/problem+json` (RFC 9457) or a page with a plain sentence.

A person never sees a traceback; the operator always finds it in the log, under the id that the
page shows.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

import structlog
from pyramid.config import Configurator
from pyramid.exceptions import BadCSRFOrigin, BadCSRFToken, PredicateMismatch, URLDecodeError
from pyramid.httpexceptions import HTTPException, HTTPMethodNotAllowed, HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy.exc import IntegrityError, OperationalError

from cloudhands.common import errors
from cloudhands.web.http.negotiation import PROBLEM_JSON, render_problem, wants_json
from cloudhands.web.representation import Representation

log = structlog.get_logger(__name__)

TEMPLATE = "templates/problem.jinja"


@dataclass(frozen=True)
class Problem:
    """What went wrong, as RFC 9457 divides it; `type` is a stable path of the portal."""

    type: str
    title: str
    status: int
    detail: str
    errors: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """The members of a problem document."""
        document: dict[str, object] = {
            "type": f"/problems/{self.type}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        return document | ({"errors": dict(self.errors)} if self.errors else {})


REFUSALS: Mapping[type[errors.Refused], tuple[int, str, str]] = {
    errors.Unauthenticated: (401, "not-signed-in", "Not signed in"),
    errors.NotFound: (404, "not-found", "Not found"),
    errors.Forbidden: (403, "forbidden", "Not allowed"),
    errors.Conflict: (409, "conflict", "Not possible now"),
    errors.LimitReached: (409, "limit-reached", "Limit reached"),
    errors.TooManyAttempts: (429, "too-many-attempts", "Too many attempts"),
    errors.InvalidInput: (422, "invalid-input", "Something is not right"),
}


def of_refusal(error: errors.Refused) -> Problem:
    """The problem that a refused command is."""
    status, kind, title = REFUSALS[type(error)]
    fields = error.fields if isinstance(error, errors.InvalidInput) else {}
    headers = {}
    if isinstance(error, errors.TooManyAttempts):
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    return Problem(kind, title, status, str(error), fields, headers)


def answer(request: Request, problem: Problem) -> Response:
    """A problem in the form that the client asked for."""
    if wants_json(request):
        body = json.dumps(problem.as_json(), ensure_ascii=False)
        response = Response(text=body, content_type=PROBLEM_JSON, charset="utf-8")
    else:
        page = Representation(
            title=problem.title,
            info={"detail": problem.detail, "errors": problem.errors, "status": problem.status},
        )
        response = Response(text=render_problem(request, TEMPLATE, page))
    response.status_int = problem.status
    response.cache_control = "no-store"
    response.vary = ("Accept", "Cookie")
    response.headers.update(problem.headers)
    return response


def refused(error: errors.Refused, request: Request) -> Response:
    """Somebody asked for what cannot be done; a person who is not signed in is shown where to."""
    if isinstance(error, errors.Unauthenticated) and not wants_json(request):
        return _to_sign_in(request)
    return answer(request, of_refusal(error))


def _to_sign_in(request: Request) -> Response:
    front = request.route_path("front")
    if "HX-Request" in request.headers:
        # A part of a page that renews itself: the whole page goes, or the part would vanish.
        return Response(status=401, headers={"HX-Redirect": front})
    return HTTPSeeOther(location=front)


def http_error(error: HTTPException, request: Request) -> Response:
    """Pyramid's own answers; a redirect passes as it is."""
    if error.status_int < 400:
        return error
    if isinstance(error, PredicateMismatch):
        error = HTTPMethodNotAllowed("This page cannot be asked that.")
    kind = error.title.lower().replace(" ", "-")
    sentence = error.detail if error.status_int != 404 else ""
    detail = sentence or "There is no such page, or it is not yours to see."
    return answer(request, Problem(kind, error.title, error.status_int, detail))


def bad_token(error: Exception, request: Request) -> Response:
    """A form without the right token: too old, of another session, or not ours."""
    detail = "This form is too old or not from this site. Go back, load the page again and retry."
    return answer(request, Problem("stale-form", "Form not accepted", 403, detail))


def not_text(error: Exception, request: Request) -> Response:
    """An address that is not UTF-8."""
    return answer(
        request, Problem("bad-request", "Bad request", 400, "The address is not UTF-8 text.")
    )


def _path(request: Request) -> str:
    # Not WebOb's: the path may be what could not be decoded.
    return repr(request.environ.get("PATH_INFO", ""))


def overtaken(error: IntegrityError, request: Request) -> Response:
    """The database forbade it: somebody else did the same at the same moment."""
    log.warning("overtaken", path=_path(request), exc_info=error)
    detail = "Somebody else changed the same thing at the same moment. Look again and retry."
    return answer(request, Problem("conflict", "Not possible now", 409, detail))


def unavailable(error: Exception, request: Request) -> Response:
    """Something that the portal needs does not answer."""
    log.error("unavailable", path=_path(request), exc_info=error)
    detail = "A part of the service does not answer at the moment. Try again in a minute."
    headers = {"Retry-After": "10"}
    return answer(request, Problem("unavailable", "Not available", 503, detail, headers=headers))


def unexpected(error: Exception, request: Request) -> Response:
    """A fault of ours: the traceback goes to the log, its id to the person."""
    incident = uuid4().hex[:12]
    log.error("unexpected error", incident=incident, path=_path(request), exc_info=error)
    detail = f"This is our fault and has been recorded as {incident}. Please try again."
    return answer(request, Problem("internal-error", "Something went wrong", 500, detail))


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
        (OperationalError, unavailable),
        (errors.DirectoryError, unavailable),
        (errors.IndexUnavailable, unavailable),
        (Exception, unexpected),
    ):
        config.add_exception_view(view, context=context)
