"""What nginx's configuration says as well as we: the headers of every answer, the longest body.

Nothing is written into a page that the policy would have to make an exception for: scripts and
styles are files of our own, and only those run.

Without Pyramid, which `cloud-admin` would else import for two values at each of its starts.
"""

from typing import Final

MAX_BODY_BYTES: Final = 256 * 1024

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
