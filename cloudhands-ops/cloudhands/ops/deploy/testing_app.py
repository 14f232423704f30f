"""An application behind nginx that tells what it is asked, for tests."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Headers = list[tuple[str, str]]

HAL_FORMS = "application/prs.hal-forms+json"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"
SESSION = "cloudhands_session=ada"
LONG = b"a word " * 500
# nginx reckons with whole seconds: what lasts one is stale once two have begun.
STALE_SECONDS = 2.1


class App:
    """Answers by path, and keeps what it was asked.

    /public      for everybody, a second long        /long    for everybody, an hour long
    /static/x.js a file with a hashed name           /mine    somebody's page
    /set-cookie  public by mistake, with a cookie    /echo    what it sees, as JSON, not to be kept
    """

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.version = 1

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        seen = {key: value for key, value in environ.items() if isinstance(value, str)}
        seen["body"] = environ["wsgi.input"].read().decode()
        self.asked.append(seen)
        kind = environ.get("HTTP_ACCEPT", "").partition(",")[0]
        kind = "text/html" if kind in ("", "*/*") else kind
        status, headers, body = self._answer(environ["PATH_INFO"], kind, seen)
        headers.append(("Content-Type", kind))
        start_response(status, headers)
        return [body if environ["REQUEST_METHOD"] != "HEAD" else b""]

    def _answer(self, path: str, kind: str, seen: dict[str, str]) -> tuple[str, Headers, bytes]:
        kept = {
            "/public": "public, max-age=1",
            "/long": "public, max-age=3600",
            "/set-cookie": "public, max-age=3600",
            "/static/x.js": "public, max-age=31536000, immutable",
            "/mine": "private, no-cache",
        }.get(path, "no-store")
        headers = [("Cache-Control", kept), ("Vary", "Accept, Cookie")]
        if path == "/set-cookie":
            headers.append(("Set-Cookie", "a=b"))
        if path == "/echo":
            return "200 OK", headers, json.dumps(seen).encode()
        tag = f'"{self.version}-{kind}-{seen.get("HTTP_COOKIE", "")}"'
        headers.append(("ETag", tag))
        if seen.get("HTTP_IF_NONE_MATCH") == tag:
            return "304 Not Modified", headers, b""
        said = f"{kind} {self.version} for {seen.get('HTTP_COOKIE', 'everybody')} "
        return "200 OK", headers, said.encode() + LONG

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(1 for seen in self.asked if seen["PATH_INFO"] == path)
