"""Asks an application as a WSGI server does: for requests that no HTTP client lets one send.

Strings of the environment are bytes decoded as latin-1, as PEP 3333 wants them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

HOST = "portal.test"
Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """What the application answered; `headers` as it gave them, in its order."""

    status: int
    headers: Headers
    body: bytes

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for found, value in self.headers if found.lower() == name]

    def header(self, name: str) -> str:
        """The value of a header; empty if it is not there.

        :raises ValueError: if it is there more than once.
        """
        values = self.all(name) or [""]
        (value,) = values
        return value

    @property
    def kind(self) -> str:
        """The media type without parameters."""
        return self.header("content-type").partition(";")[0]

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def ask(
    app: Any,
    method: str,
    address: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    **environ: Any,
) -> Answer:
    """Ask an application.

    :param address: path and query, percent-encoded or not.
    :param headers: by name; `Content-Length` is the body's unless it is given.
    :param environ: what shall be otherwise; None takes a variable away.
    """
    started: list[tuple[str, Headers]] = []

    def start_response(status: str, found: Headers, exc_info: Any = None) -> None:
        started.append((status, found))

    path, _, query = address.partition("?")
    wsgi: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path.encode("latin-1")).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": HOST,
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
    }
    wsgi |= _variables({"Host": HOST, "Content-Length": str(len(body))} | dict(headers or {}))
    wsgi |= environ
    answered = app({k: v for k, v in wsgi.items() if v is not None}, start_response)
    content = b"".join(answered)
    if hasattr(answered, "close"):
        answered.close()
    (status, found) = started[-1]
    return Answer(int(status.split()[0]), found, content)


def _variables(headers: Mapping[str, str]) -> dict[str, str]:
    names = {name: name.upper().replace("-", "_") for name in headers}
    bare = {"CONTENT_TYPE", "CONTENT_LENGTH"}
    return {
        variable if variable in bare else f"HTTP_{variable}": headers[name]
        for name, variable in names.items()
    }
