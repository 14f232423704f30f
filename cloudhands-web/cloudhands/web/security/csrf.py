"""CSRF tokens, derived from the session; before there is one, the origin of a request counts.

The sign-in form is protected too: otherwise a stranger could sign somebody in as the stranger. It
bears no token, since its page is the same for every visitor and caches share it
(decision 0002); browsers tell where a form comes from.
"""

from pyramid.config import Configurator
from pyramid.interfaces import ICSRFStoragePolicy
from zope.interface import implementer

from cloudhands.common import tokens
from cloudhands.web.http import fields
from cloudhands.web.http.body import JSON_TYPES
from cloudhands.web.request import PortalRequest

HEADER = "X-CSRF-Token"
SIGN_IN = "sign-in"
PURPOSE = "csrf"
OUR_SITES = frozenset({"same-origin", "none"})


def token(request: PortalRequest) -> str:
    """The token for the forms of whoever is signed in; empty for a visitor."""
    if request.signed_in is None:
        return ""
    return tokens.derive(request.services.secret, PURPOSE, str(request.signed_in.session))


def _from_here(request: PortalRequest) -> bool | None:
    """Whether a page of ours sent the request; None if it does not tell."""
    origin = request.headers.get("Origin")
    if origin is not None:
        # Not parsed: what is no origin at all is none of ours. Over plain HTTP anybody on the way
        # could have made a page of our name.
        scheme, _, host = origin.lower().partition("://")
        return host == request.host.lower() and scheme in ("https", request.scheme)
    site = request.headers.get("Sec-Fetch-Site")
    return None if site is None else site in OUR_SITES


@implementer(ICSRFStoragePolicy)
class DerivedTokens:
    """Pyramid's storage policy for tokens that are stored nowhere."""

    def new_csrf_token(self, request: PortalRequest) -> str:
        """There is one token for each session: the same."""
        return token(request)

    def get_csrf_token(self, request: PortalRequest) -> str:
        """See `token`."""
        return token(request)

    def check_csrf_token(self, request: PortalRequest, supplied_token: str) -> bool:
        """Whether the request comes from us, and bears the session's token if there is one."""
        from_here = _from_here(request)
        if from_here is False:
            return False
        if request.signed_in is None or request.matched_route.name == SIGN_IN:
            # The form bears no token, also when somebody has signed in meanwhile. A page of another
            # site can send a form, but no JSON without being asked first.
            return bool(from_here) or request.content_type.lower() in JSON_TYPES
        supplied = supplied_token or request.body_values.get(fields.CSRF_TOKEN, "")
        session = str(request.signed_in.session)
        return tokens.matches(supplied, request.services.secret, PURPOSE, session)


def includeme(config: Configurator) -> None:
    """Require a token on everything that is not safe."""
    config.set_csrf_storage_policy(DerivedTokens())
    config.set_default_csrf_options(
        require_csrf=True,
        token=fields.CSRF_TOKEN,
        header=HEADER,
        # `_from_here` does it, behind TLS or not; Pyramid's fails over a Referer that is no URL.
        check_origin=False,
    )
