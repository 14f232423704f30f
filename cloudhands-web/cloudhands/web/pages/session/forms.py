"""The forms of signing in and out."""

from typing import Annotated

from pydantic import Field, StringConstraints
from pyramid.request import Request

from cloudhands.common.forms import Form, Line
from cloudhands.web.representation import Option


class SignIn(Form):
    """A uid and its password, local or the directory's."""

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


def sign_in_option(request: Request) -> Option:
    """How a visitor signs in."""
    return Option("sign-in", "Sign in", request.route_path("sign-in"), form=SignIn)


def sign_out_option(request: Request) -> Option:
    """How a person signs out."""
    return Option("sign-out", "Sign out", request.route_path("sign-out"))
