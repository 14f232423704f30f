"""CSRF tokens, derived from the session or, before there is one, from a visitor's cookie.

A sign-in form is protected too: otherwise a stranger could sign somebody in as the stranger.
"""

from pyramid.config import Configurator
from pyramid.interfaces import ICSRFStoragePolicy
from pyramid.request import Request
from zope.interface import implementer

from cloudhands.common import tokens

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
    visitor = request.cookies.get(VISITOR_COOKIE) or request.environ.get(VISITOR_COOKIE)
    if not visitor:
        visitor = tokens.fresh()
        request.environ[VISITOR_COOKIE] = visitor
        request.add_response_callback(_set_visitor_cookie)
    return f"visitor {visitor}"


def _set_visitor_cookie(request: Request, response: object) -> None:
    set_cookie(request, response, VISITOR_COOKIE, request.environ[VISITOR_COOKIE])


def set_cookie(
    request: Request, response: object, name: str, value: str, max_age: int | None = None
) -> None:
    """Set a cookie that no script can read and no other site can send along with a form.

    :param max_age: seconds; None keeps it until the browser is closed.
    """
    response.set_cookie(  # type: ignore[attr-defined]
        name,
        value,
        max_age=max_age,
        httponly=True,
        samesite="Lax",
        secure=request.services.settings.portal.secure_cookies,
    )


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
        supplied = supplied_token or request.body_values.get(FIELD, "")
        return tokens.matches(supplied, request.services.secret, PURPOSE, _subject(request))


def includeme(config: Configurator) -> None:
    """Require a token on everything that is not safe."""
    config.set_csrf_storage_policy(DerivedTokens())
    config.set_default_csrf_options(
        require_csrf=True, token=FIELD, header=HEADER, check_origin=True, allow_no_origin=True
    )
