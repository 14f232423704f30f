"""Reads the body of a request once, as flat text fields, before anything acts on it."""

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl

from pyramid.httpexceptions import HTTPBadRequest, HTTPUnsupportedMediaType
from pyramid.request import Request

FORM = "application/x-www-form-urlencoded"
JSON_TYPES = frozenset(
    {"application/json", "application/hal+json", "application/prs.hal-forms+json"}
)
MAX_FIELDS = 100
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def values(request: Request) -> Mapping[str, str]:
    """The fields of the body of a request, the CSRF token among them; empty without a body.

    :raises HTTPBadRequest: if it is not what its type says, or not UTF-8.
    :raises HTTPUnsupportedMediaType: if it is neither a form nor JSON.
    """
    body = _read(request) if request.method in UNSAFE else b""
    if not body:
        return {}
    if request.content_type in JSON_TYPES:
        return _fields(_json(body))
    if request.content_type == FORM:
        return _form(body)
    raise HTTPUnsupportedMediaType(f"Send {FORM} or application/json.")


def _read(request: Request) -> bytes:
    # Kept in memory, the server bounds it; WebOb would write more than 10 KB to a file.
    body: bytes = request.body_file_raw.read(request.content_length or 0)
    request.body = body
    return body


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


def _form(body: bytes) -> Mapping[str, str]:
    # WebOb would replace what is not UTF-8, and so keep what nobody typed.
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise HTTPBadRequest("The body is not a form in UTF-8.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise HTTPBadRequest("A field is there twice.")
    return fields


def _refuse_surrogates(text: str) -> None:
    # JSON can name half a character (\ud800), which no database or log can write.
    try:
        text.encode()
    except UnicodeEncodeError:
        raise HTTPBadRequest("The body has text that is not Unicode.") from None
