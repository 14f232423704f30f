"""CSRF tokens, derived from the session or, before there is one, from a visitor's cookie.

A sign-in form is protected too: otherwise a stranger could sign somebody in as the stranger.
"""

from pyramid.config import Configurator
from pyramid.interfaces import ICSRFStoragePolicy
from pyramid.request import Request
from pyramid.response import Response
from zope.interface import implementer

from cloudhands.common import tokens
from cloudhands.web.http import cookies

VISITOR_COOKIE = "cloudhands_visitor"
FIELD = "csrf_token"
HEADER = "X-CSRF-Token"
PURPOSE = "csrf"


def token(request: Request) -> str:
    """The token for forms shown to whoever asks; a visitor gets a cookie to go with it."""
    return tokens.derive(request.services.secret, PURPOSE, _subject(request))


def _subject(request: Request) -> str:
    if request.portal_session is not None:
        return f"session {request.portal_session.uuid}"
    visitor = cookies.read(request, VISITOR_COOKIE) or request.environ.get(VISITOR_COOKIE)
    if not visitor:
        visitor = tokens.fresh()
        request.environ[VISITOR_COOKIE] = visitor
        request.add_response_callback(_set_visitor_cookie)
    return f"visitor {visitor}"


def _set_visitor_cookie(request: Request, response: Response) -> None:
    cookies.put(request, response, VISITOR_COOKIE, request.environ[VISITOR_COOKIE])


def _from_here(request: Request) -> bool:
    # Pyramid compares origins behind TLS only; a browser tells its own over plain HTTP too.
    origin = request.headers.get("Origin")
    return origin is None or origin.partition("://")[2] == request.host


@implementer(ICSRFStoragePolicy)
class DerivedTokens:
    """Pyramid's storage policy for tokens that are stored nowhere."""

    def new_csrf_token(self, request: Request) -> str:
        """There is one token for each session: the same."""
        return token(request)

    def get_csrf_token(self, request: Request) -> str:
        """See `token`."""
        return token(request)

    def check_csrf_token(self, request: Request, supplied_token: str) -> bool:
        """Whether the header's, the form's or the JSON body's token is the right one."""
        if not _from_here(request):
            return False
        supplied = supplied_token or request.body_values.get(FIELD, "")
        return tokens.matches(supplied, request.services.secret, PURPOSE, _subject(request))


def includeme(config: Configurator) -> None:
    """Require a token on everything that is not safe."""
    config.set_csrf_storage_policy(DerivedTokens())
    config.set_default_csrf_options(
        require_csrf=True, token=FIELD, header=HEADER, check_origin=True, allow_no_origin=True
    )
