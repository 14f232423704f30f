"""Reads the body of a request once, as flat text fields, before anything acts on it."""

import json
from collections.abc import Mapping

from pyramid.httpexceptions import HTTPBadRequest, HTTPUnsupportedMediaType
from pyramid.request import Request

FORM = "application/x-www-form-urlencoded"
JSON_TYPES = frozenset(
    {"application/json", "application/hal+json", "application/prs.hal-forms+json"}
)
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def values(request: Request) -> Mapping[str, str]:
    """The fields of the body of a request, the CSRF token among them; empty without a body.

    :raises HTTPBadRequest: if it is not what its type says, or not UTF-8.
    :raises HTTPUnsupportedMediaType: if it is neither a form nor JSON.
    """
    if request.method not in UNSAFE or not request.body:
        return {}
    if request.content_type in JSON_TYPES:
        return _fields(_json(request.body))
    if request.content_type == FORM:
        return _form(request)
    raise HTTPUnsupportedMediaType(f"Send {FORM} or application/json.")


def _json(body: bytes) -> object:
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise HTTPBadRequest("The body is not JSON in UTF-8.") from None


def _fields(document: object) -> Mapping[str, str]:
    if not isinstance(document, dict):
        raise HTTPBadRequest("The body must be a JSON object.")
    for name, value in document.items():
        if not isinstance(value, str):
            raise HTTPBadRequest(f"The field {name!r} must be text.")
        _refuse_surrogates(name + value)
    return document


def _form(request: Request) -> Mapping[str, str]:
    try:
        fields = request.POST
        pairs = list(fields.items())
    except ValueError:
        raise HTTPBadRequest("The body is not a form in UTF-8.") from None
    if len(fields) != len(dict(pairs)):
        raise HTTPBadRequest("A field is there twice.")
    return dict(pairs)


def _refuse_surrogates(text: str) -> None:
    # JSON can name half a character (\ud800), which no database or log can write.
    try:
        text.encode()
    except UnicodeEncodeError:
        raise HTTPBadRequest("The body has text that is not Unicode.") from None
