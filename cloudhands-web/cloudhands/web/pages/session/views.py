"""The views of signing in and out."""

from datetime import timedelta

import structlog
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config
from sqlalchemy.orm import Session

from cloudhands.common.account.sessions import close_session, open_session
from cloudhands.common.errors import InvalidInput
from cloudhands.common.seen import Version
from cloudhands.web.http import cookies
from cloudhands.web.http.cookies import SESSION_COOKIE
from cloudhands.web.http.negotiation import done
from cloudhands.web.http.submission import reject, submitted
from cloudhands.web.pages.front.representation import of_visitor
from cloudhands.web.pages.session.forms import SignIn, is_ours
from cloudhands.web.representation import Representation
from cloudhands.web.request import PortalRequest
from cloudhands.web.security.scopes import Scope
from cloudhands.web.security.signin import sign_in as check

log = structlog.get_logger(__name__)

FRONT = "pages/front/templates/front.jinja"
WRONG = "User name or password is wrong."


def shown(scope: Scope, request: PortalRequest) -> tuple[Version, ...]:
    """What the form depends on: where it leads."""
    return (request.GET.get("next"),)


@view_config(
    route_name="sign-in",
    request_method="GET",
    permission="front.see",
    renderer=FRONT,
    shows=shown,
)
def show(scope: Scope, request: PortalRequest) -> Representation | Response:
    """The form, for whoever asked for a page that is for people who are signed in."""
    wanted = request.GET.get("next", "")
    if request.signed_in:
        return HTTPSeeOther(location=wanted if is_ours(wanted) else request.route_path("front"))
    return of_visitor(request, wanted)


@view_config(route_name="sign-in", request_method="POST", permission="session.open")
def sign_in(scope: Scope, request: PortalRequest) -> Response:
    """Open a session. The answer does not tell whether there is such an account."""
    try:
        wanted = submitted(request, SignIn)
        return _opened(request, wanted)
    except InvalidInput as error:
        page = of_visitor(request, request.body_values.get("next", ""))
        return reject(request, FRONT, page, "sign-in", error)


def _opened(request: PortalRequest, wanted: SignIn) -> Response:
    services = request.services
    address = request.client_addr or ""
    request.release()  # no connection is held while a hash is computed or the directory asked
    user = check(services, wanted.uid, wanted.password, address)
    if user is None:
        # Not the uid: people type their password there.
        log.warning("sign-in refused", address=address)
        raise InvalidInput({"password": WRONG})
    log.info("signed in", user=str(user.uuid), address=address)
    lasts = timedelta(hours=services.settings.portal.session_hours)
    with request.writing() as session:
        cookie = open_session(session, user, services.clock(), lasts)
        _close(request, session)
    response = done(request, wanted.next or request.route_path("front"))
    seconds = int(lasts.total_seconds())
    cookies.put(request, response, SESSION_COOKIE, cookie, max_age=seconds)
    return response


@view_config(route_name="sign-out", request_method="GET", permission="front.see")
def to_the_form(scope: Scope, request: PortalRequest) -> Response:
    """After a refused form its address is what the browser shows: lead back to the page."""
    return HTTPSeeOther(location=request.route_path("front"))


@view_config(route_name="sign-out", request_method="POST", permission="session.close")
def sign_out(scope: Scope, request: PortalRequest) -> Response:
    """Close the session."""
    with request.writing() as session:
        _close(request, session)
    response = done(request, request.route_path("front"))
    response.delete_cookie(SESSION_COOKIE)
    return response


def _close(request: PortalRequest, session: Session) -> None:
    if cookie := cookies.read(request, SESSION_COOKIE):
        close_session(session, cookie)
