"""Security headers on every answer: pages, programs' documents, files, redirects and errors.

Nothing is written into a page that the policy would have to make an exception for: scripts and
styles are files of our own, and only those run.
"""

from typing import Final

from pyramid.config import Configurator
from pyramid.events import NewResponse

# Content Security Policy Level 3 (W3C). What is not named is forbidden by default-src.
_CONTENT: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        # Pico CSS draws the arrows and ticks of form fields with data: pictures.
        "img-src 'self' data:",
        # Parts of a page that renew themselves.
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_UNUSED_FEATURES: Final = (
    "accelerometer",
    "autoplay",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "publickey-credentials-get",
    "usb",
)
HEADERS: Final = (
    ("Content-Security-Policy", _CONTENT),
    ("X-Content-Type-Options", "nosniff"),
    # Not no-referrer: browsers would then send "Origin: null" with forms, which are refused.
    ("Referrer-Policy", "same-origin"),
    ("Permissions-Policy", ", ".join(f"{feature}=()" for feature in _UNUSED_FEATURES)),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    # For browsers that do not know frame-ancestors.
    ("X-Frame-Options", "DENY"),
)
"""What every answer carries, except 304."""
# RFC 6797; a year. Over plain HTTP browsers must ignore it, so it is not sent there.
HEADERS_BEHIND_TLS: Final = (*HEADERS, ("Strict-Transport-Security", "max-age=31536000"))


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
