"""What every request is checked for as it arrives, in this order, before anything is looked up.

Its address and `Host`; then, when its route is known, its method; then its body. What fails is
answered by `http.problems`.
"""

import re
from typing import Final

from pyramid.config import Configurator
from pyramid.events import BeforeTraversal, NewRequest
from pyramid.httpexceptions import HTTPBadRequest, HTTPRequestURITooLong
from pyramid.request import Request

from cloudhands.web.http import methods

MAX_ADDRESS: Final = 8000
"""Characters of path and query; RFC 9110, 4.1 wants no less, nginx by default takes 8 KB."""
# A name or an address, and perhaps a port (RFC 9112, 3.2); two headers would be joined by ", ".
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?", re.ASCII)


def _arrived(event: NewRequest) -> None:
    check_address(event.request)
    check_host(event.request)


def _routed(event: BeforeTraversal) -> None:
    request = event.request
    methods.check(request)
    if request.matched_route:
        # A body that cannot be read is refused before anything looks at it, the CSRF check too.
        _ = request.body_values


def check_address(request: Request) -> None:
    """Refuse an address that is none of ours by its length.

    :raises HTTPRequestURITooLong: if path and query are longer than `MAX_ADDRESS`.
    """
    environ = request.environ
    if len(environ.get("PATH_INFO", "")) + len(environ.get("QUERY_STRING", "")) > MAX_ADDRESS:
        raise HTTPRequestURITooLong(f"Path and query have at most {MAX_ADDRESS} characters.")


def check_host(request: Request) -> None:
    """Refuse a request that does not say, once and clearly, which host it is for.

    :raises HTTPBadRequest: as RFC 9112, 3.2 demands; only HTTP/1.0 may do without.
    """
    host = request.environ.get("HTTP_HOST")
    if host is None and request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        return
    if not _HOST.fullmatch(host or ""):
        raise HTTPBadRequest("The header Host must be there once, with a host and perhaps a port.")


def includeme(config: Configurator) -> None:
    """Register the checks; `http.methods` learns which methods there are."""
    config.include(methods)
    config.add_subscriber(_arrived, NewRequest)
    config.add_subscriber(_routed, BeforeTraversal)
