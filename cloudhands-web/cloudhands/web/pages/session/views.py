"""The views of signing in and out."""

from datetime import timedelta

from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config

from cloudhands.common.account.sessions import close_session, open_session
from cloudhands.common.errors import InvalidInput
from cloudhands.web.http.negotiation import done
from cloudhands.web.http.submission import reject, submitted
from cloudhands.web.pages.front.representation import of_visitor
from cloudhands.web.pages.session.forms import SignIn
from cloudhands.web.security import csrf
from cloudhands.web.security.policy import SESSION_COOKIE
from cloudhands.web.security.scopes import Scope
from cloudhands.web.security.signin import sign_in as check

FRONT = "pages/front/templates/front.jinja"
WRONG = "User name or password is wrong."


@view_config(route_name="sign-in", request_method="POST", permission="session.open")
def sign_in(scope: Scope, request: Request) -> Response:
    """Open a session. The answer does not tell whether there is such an account."""
    try:
        wanted = submitted(request, SignIn)
        return _opened(request, wanted)
    except InvalidInput as error:
        return reject(request, FRONT, of_visitor(request), "sign-in", error)


def _opened(request: Request, wanted: SignIn) -> Response:
    services = request.services
    services.throttle.attempt(wanted.uid, request.client_addr or "")
    request.db.close()  # no connection is held while a hash is computed or the directory asked
    user = check(services, wanted.uid, wanted.password)
    if user is None:
        raise InvalidInput({"password": WRONG})
    services.throttle.succeeded(wanted.uid)
    lasts = timedelta(hours=services.settings.portal.session_hours)
    with request.writing() as session:
        cookie = open_session(session, user, services.clock(), lasts)
        _close(request, session)
    response = done(request, request.route_path("front"))
    seconds = int(lasts.total_seconds())
    csrf.set_cookie(request, response, SESSION_COOKIE, cookie, max_age=seconds)
    return response


@view_config(route_name="sign-out", request_method="POST", permission="session.close")
def sign_out(scope: Scope, request: Request) -> Response:
    """Close the session."""
    with request.writing() as session:
        _close(request, session)
    response = done(request, request.route_path("front"))
    response.delete_cookie(SESSION_COOKIE)
    return response


def _close(request: Request, session: object) -> None:
    if cookie := request.cookies.get(SESSION_COOKIE):
        close_session(session, cookie)  # type: ignore[arg-type]
