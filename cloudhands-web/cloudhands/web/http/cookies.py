"""Reading and setting cookies; the only code that touches them.

Other applications of the same host send us their cookies too, in whatever form.
"""

from pyramid.request import Request
from pyramid.response import Response

SESSION_COOKIE = "cloudhands_session"


def read(request: Request, name: str) -> str | None:
    """A cookie's value; None if it is not there, or the header cannot be read."""
    try:
        value: str | None = request.cookies.get(name)
    except UnicodeDecodeError:
        return None
    return value


def put(
    request: Request, response: Response, name: str, value: str, max_age: int | None = None
) -> None:
    """Set a cookie that no script can read and no other site can send along with a form.

    :param max_age: seconds; None keeps it until the browser is closed.
    """
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        httponly=True,
        samesite="Lax",
        secure=request.services.settings.portal.secure_cookies,
    )
