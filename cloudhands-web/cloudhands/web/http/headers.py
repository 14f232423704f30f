"""Security headers on every answer: pages, programs' documents, files, redirects and errors."""

from pyramid.config import Configurator
from pyramid.events import NewResponse

from cloudhands.web.http.constants import HEADERS, HEADERS_BEHIND_TLS


def add_headers(event: NewResponse) -> None:
    """Put the headers on an answer.

    A 304 goes without: the answer that the client has kept bears them (RFC 9110, 15.4.5), and
    whoever polls is sent nothing needless. A new release, with other headers perhaps, has other
    ETags.
    """
    # What says nothing about who may keep it is kept by nobody: redirects, answers to commands.
    event.response.headers.setdefault("Cache-Control", "no-store")
    if event.response.status_int != 304:
        secure = event.request.environ["wsgi.url_scheme"] == "https"
        event.response.headerlist.extend(HEADERS_BEHIND_TLS if secure else HEADERS)


def includeme(config: Configurator) -> None:
    """Register for the last event of a request: tweens and error views have answered by then."""
    config.add_subscriber(add_headers, NewResponse)
