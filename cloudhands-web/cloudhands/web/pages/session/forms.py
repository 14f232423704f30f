"""The forms of signing in and out."""

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from cloudhands.common.forms import Form, Line
from cloudhands.web.representation import Option
from cloudhands.web.request import PortalRequest

LONGEST = 8_000


def is_ours(path: str) -> bool:
    """Whether this leads to a page of this portal, and not by a trick elsewhere."""
    begins_here = path.startswith("/") and path[1:2] not in ("/", "\\")
    # As a Location must be; what is longer was no address of a page.
    return begins_here and path.isascii() and path.isprintable() and len(path) <= LONGEST


class SignIn(Form):
    """A uid and its password, local or the directory's; `next` is where to go then."""

    uid: Annotated[
        Line,
        StringConstraints(max_length=64),
        Field(title="User name", json_schema_extra={"format": "username"}),
    ]
    password: Annotated[
        str,
        Field(
            title="Password",
            min_length=1,
            max_length=1024,
            json_schema_extra={"format": "password"},
        ),
    ]
    next: str = ""

    @field_validator("next")
    @classmethod
    def _is_ours(cls, value: str) -> str:
        return value if is_ours(value) else ""


def sign_in_option(request: PortalRequest, wanted: str) -> Option:
    """How a visitor signs in.

    :param wanted: the path to go to then; empty for the front page.
    """
    return Option(
        "sign-in",
        "Sign in",
        request.route_path("sign-in"),
        form=SignIn,
        values={"next": wanted},
        fixed=frozenset({"next"}),
    )


def sign_out_option(request: PortalRequest) -> Option:
    """How a person signs out."""
    return Option("sign-out", "Sign out", request.route_path("sign-out"))
