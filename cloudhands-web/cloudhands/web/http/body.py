"""Reads the body of a request once, as flat text fields, before anything acts on it."""

import json
from collections.abc import Mapping
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl

from pyramid.httpexceptions import (
    HTTPBadRequest,
    HTTPLengthRequired,
    HTTPRequestEntityTooLarge,
    HTTPUnsupportedMediaType,
)
from pyramid.request import Request

from cloudhands.web.http.constants import MAX_BODY_BYTES

FORM: Final = "application/x-www-form-urlencoded"
JSON_TYPES: Final = ("application/json", "application/hal+json", "application/prs.hal-forms+json")
MAX_FIELDS: Final = 100
UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
ACCEPT_POST: Final = {"Accept-Post": ", ".join((FORM, *JSON_TYPES))}
"""What can be sent, on each 415 (Linked Data Platform 1.0, 7.1)."""


def values(request: Request) -> Mapping[str, str]:
    """The fields of the body of a request, the CSRF token among them; empty without a body.

    :raises HTTPBadRequest: if it is not what its type says, or not UTF-8.
    :raises HTTPLengthRequired: if there is one, but nothing says where it ends.
    :raises HTTPRequestEntityTooLarge: if it has more than `MAX_BODY_BYTES`.
    :raises HTTPUnsupportedMediaType: if it is neither a form nor JSON, or not in UTF-8.
    """
    body = _read(request) if request.method in UNSAFE else b""
    if not body:
        return {}
    _check_coding(request)
    kind = request.content_type.lower()
    if kind in JSON_TYPES:
        return _fields(_json(body))
    if kind == FORM:
        return _form(body)
    raise HTTPUnsupportedMediaType(f"Send {FORM} or application/json.", headers=ACCEPT_POST)


def _read(request: Request) -> bytes:
    length = _length(request.environ)
    if length > MAX_BODY_BYTES:
        raise HTTPRequestEntityTooLarge(f"A body has at most {MAX_BODY_BYTES} bytes.")
    # Kept in memory; WebOb would write more than 10 KB to a file.
    body: bytes = request.body_file_raw.read(length)
    if len(body) < length:
        raise HTTPBadRequest("The body is shorter than Content-Length says.")
    request.body = body
    return body


def _length(environ: Mapping[str, Any]) -> int:
    """What the headers say; our WSGI server has put a chunked body together and says it too."""
    said = environ.get("CONTENT_LENGTH") or ""
    if said.isascii() and said.isdigit():
        return int(said[:20])
    if said:
        raise HTTPBadRequest("Content-Length is not a number.")
    if environ.get("CONTENT_TYPE") or environ.get("HTTP_TRANSFER_ENCODING"):
        raise HTTPLengthRequired("Say with Content-Length how long the body is.")
    return 0


def _check_coding(request: Request) -> None:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        headers = ACCEPT_POST | {"Accept-Encoding": "identity"}
        raise HTTPUnsupportedMediaType("Send the body without Content-Encoding.", headers=headers)
    charset = _charset(request.environ.get("CONTENT_TYPE", ""))
    if charset not in ("", "utf-8", "us-ascii"):
        raise HTTPUnsupportedMediaType("Send the body in UTF-8.", headers=ACCEPT_POST)


def _charset(content_type: str) -> str:
    parameters = (one.strip().lower().partition("=") for one in content_type.split(";")[1:])
    return next((value.strip('"') for name, _, value in parameters if name == "charset"), "")


def _json(body: bytes) -> object:
    try:
        return json.loads(
            body.decode("utf-8"), object_pairs_hook=_once_each, parse_constant=_not_json
        )
    except (ValueError, RecursionError):
        raise HTTPBadRequest("The body is not JSON in UTF-8.") from None


def _not_json(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and Infinity, which Python reads and RFC 8259 does not know


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # Which of two fields would count differs from reader to reader (RFC 8259, 4).
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise HTTPBadRequest("A field is there twice.")
    return fields


def _fields(document: object) -> Mapping[str, str]:
    if not isinstance(document, dict):
        raise HTTPBadRequest("The body must be a JSON object.")
    if len(document) > MAX_FIELDS:
        raise HTTPBadRequest(f"A body has at most {MAX_FIELDS} fields.")
    for name, value in document.items():
        if not isinstance(value, str):
            raise HTTPBadRequest(f"The field {name[:80]!a} must be text.")
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
