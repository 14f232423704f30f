"""What an answer has to be, whatever was asked."""

import re
from collections import Counter

from cloudhands.web.http.constants import HEADERS
from cloudhands.web.http.negotiation import HTML, PROBLEM_JSON, best_type
from cloudhands.web.http.problem_types import TYPES
from cloudhands.web.testing_hostile.sending import Sent
from cloudhands.web.testing_hostile.texts import SCRIPT
from cloudhands.web.testing_wsgi import Answer


def check(sent: Sent, answer: Answer) -> None:
    """That an answer is no fault of ours and whole."""
    assert answer.status < 500, answer.body
    for name, value in answer.headers:
        assert re.fullmatch(r"[A-Za-z0-9-]+", name)
        assert re.fullmatch(r"[\t\x20-\x7e\x80-\xff]*", value), (name, value)
    names = Counter(name.lower() for name, _ in answer.headers)
    assert set(names.values()) == {1}, names
    assert answer.header("cache-control")
    check_cookies(sent, answer)
    check_location(answer)
    check_body(sent, answer)
    if answer.status >= 400:
        check_error(sent, answer)
    if answer.status != 304:
        assert dict(HEADERS).items() <= dict(answer.headers).items()


def check_cookies(sent: Sent, answer: Answer) -> None:
    may_set = sent.method == "POST" and sent.path.startswith("/sign-") and answer.status == 303
    assert may_set or not answer.header("set-cookie")


def check_location(answer: Answer) -> None:
    location = answer.header("location")
    if answer.status in (201, 303):
        assert re.match(r"(https?://[\w.:\[\]-]+)?/(?![/\\])", location), location
        assert "evil" not in location.partition("?")[0]
    else:
        assert not location


def check_body(sent: Sent, answer: Answer) -> None:
    if sent.method == "HEAD" or answer.status in (204, 304):
        assert not answer.body
        return
    assert answer.header("content-length") == str(len(answer.body))
    if answer.kind == HTML:
        text = answer.body.decode()
        is_part = answer.status == 401 or sent.path.endswith("/live")
        assert is_part or text.rstrip().endswith("</html>")
        assert SCRIPT not in text
    elif "json" in answer.kind:
        assert isinstance(answer.document, dict)
    elif answer.status == 303:
        assert answer.kind == "text/plain"
    else:
        assert answer.kind in ("text/css", "text/javascript", "image/svg+xml")
    assert b"Traceback" not in answer.body


def check_error(sent: Sent, answer: Answer) -> None:
    assert answer.header("cache-control") == "no-store"
    is_page = best_type(sent.headers.get("Accept", "")) == HTML
    if answer.status == 401 and is_page:
        assert answer.header("hx-redirect")  # a part of a page; its body is not shown
    else:
        assert answer.kind == (HTML if is_page else PROBLEM_JSON)
    if answer.kind == PROBLEM_JSON and answer.body:
        check_problem(answer)
    needed = {
        401: "www-authenticate",
        405: "allow",
        415: "accept-post",
        429: "retry-after",
    }.get(answer.status)
    assert needed is None or answer.header(needed)
    if answer.status == 405:
        assert sent.method not in answer.header("allow").split(", ")


def check_problem(answer: Answer) -> None:
    document = answer.document
    kind = TYPES[document["type"].removeprefix("/problems/")]
    assert (document["status"], document["title"]) == (answer.status, kind.title)
    assert kind.status == answer.status
    assert document["detail"]
    extension = {412: {"current"}, 422: {"errors"}}.get(answer.status, set())
    assert set(document) - {"type", "title", "status", "detail"} <= extension
