"""What the server refuses before there is a request for the application: broken HTTP.

waitress answers it with a line of plain text, and takes a few things that a proxy in front may
read in another way. Here such requests get the same problems as all others, and a request has one
meaning or none (RFC 9112, 11.2: request smuggling).
"""

import json
import re
from html import escape
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import (
    HTTPRequestParser,
    ParsingError,
    TransferEncodingNotImplemented,
)
from waitress.task import ErrorTask
from waitress.utilities import Error

from cloudhands.web.http.constants import HEADERS
from cloudhands.web.http.negotiation import HTML, PROBLEM_JSON, best_type
from cloudhands.web.http.problem_types import of_status
from cloudhands.web.http.problems import Problem
from cloudhands.web.keeping import KeepingTask

_TRANSFER_CODING = re.compile(
    rb"^transfer-encoding:[ \t]*(.*?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE
)
PAGE = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
    "<body><main><h1>{title}</h1><p>{detail}</p></main></body></html>\n"
)


class VersionNotSupported(Error):
    """Anything that is not HTTP/1."""

    code = 505
    reason = "HTTP Version Not Supported"


class Parser(HTTPRequestParser):
    """waitress's, stricter."""

    def received(self, data: bytes) -> int:
        """Read on; see `HTTPRequestParser`."""
        consumed: int = super().received(data)
        if self.headers_finished and not self.empty and not self.error:
            self._check_version()
        if self.completed:
            # Who waits for 100 Continue before a body that there is not would wait for ever.
            self.expect_continue = False
        return consumed

    def _check_version(self) -> None:
        if not self.version.startswith("1."):
            self.error = VersionNotSupported("")
            self.completed = True

    def parse_header(self, header_plus: bytes) -> None:
        """Read the request line and the headers.

        :raises ParsingError: if they are malformed, or say in two ways where the body ends.
        :raises TransferEncodingNotImplemented: if the body comes otherwise than chunked, once.
        """
        codings = [coding.lower() for coding in _TRANSFER_CODING.findall(header_plus)]
        if codings not in ([], [b"chunked"]):
            raise TransferEncodingNotImplemented("There is one transfer coding, chunked")
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            # Of the standard library, for an address or a number that it does not take.
            raise ParsingError("The request line or Content-Length is malformed") from error
        if self.chunked and "CONTENT_LENGTH" in self.headers:
            raise ParsingError("Content-Length and Transfer-Encoding exclude each other")
        if "TRANSFER_ENCODING" in self.headers:
            raise ParsingError("Transfer-Encoding is of HTTP/1.1")


class Refusal(ErrorTask):
    """Answers a request that cannot be read, with a problem or a page."""

    request: Any  # a Parser with an error
    response_headers: list[tuple[str, str]]

    def execute(self) -> None:
        """Write the answer; the connection is closed after it."""
        error = self.request.error
        kind = of_status(error.code)
        detail = f"{error.body}." if error.code == 400 else kind.meaning
        media_type, body = _body(Problem(kind.name, detail), self.request.headers)
        self.status = f"{error.code} {error.reason}"
        self.response_headers.extend(
            [("Content-Type", media_type), ("Cache-Control", "no-store"), *HEADERS]
        )
        self.set_close_on_finish()
        self.content_length = len(body)
        is_head = getattr(self.request, "command", "") == "HEAD"
        self.write(b"" if is_head else body)


def _body(problem: Problem, headers: dict[str, str]) -> tuple[str, bytes]:
    if best_type(headers.get("ACCEPT", "")) != HTML:
        return PROBLEM_JSON, json.dumps(problem.as_json()).encode()
    page = PAGE.format(title=escape(problem.title), detail=escape(problem.detail))
    return f"{HTML}; charset=utf-8", page.encode()


class Channel(HTTPChannel):
    """A connection, with this parser and these answers."""

    task_class = KeepingTask
    parser_class = Parser
    error_task_class = Refusal


def refuse(server: Any) -> None:
    """Let a waitress server refuse what is broken this way.

    :param server: of `waitress.server.create_server`, on one socket.
    """
    server.channel_class = Channel
