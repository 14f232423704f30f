"""Broken HTTP, byte by byte over a socket: what the server refuses, and how it says so."""

import json
import socket
from urllib.parse import urlsplit

import pytest

from cloudhands.web.http.constants import MAX_BODY_BYTES
from cloudhands.web.http.problem_types import TYPES
from cloudhands.web.testing_wsgi import Answer

JSON = b"Accept: application/json\r\n"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n" + JSON
POST = b"POST /sign-in HTTP/1.1\r\nHost: x\r\n" + JSON
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
PATIENCE = 20


@pytest.fixture(scope="module")
def server(shared_portal):
    with shared_portal.served() as address:
        yield urlsplit(address).port


def send(port, data):
    """What comes back until the server closes the connection, as the answers in it."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = connection.makefile("rb").read()
    return answers(received)


def answers(received):
    found = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = [tuple(line.split(": ", 1)) for line in lines]
        length = int(dict(headers).get("Content-Length", 0))
        found.append(Answer(int(first.split()[1]), headers, received[:length]))
        received = received[length:]
    return found


def refused(answer, name):
    kind = TYPES[name]
    assert answer.status == kind.status, answer
    assert answer.header("cache-control") == "no-store"
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("connection") == "close"
    if answer.kind == "application/problem+json":
        document = json.loads(answer.body)
        assert (document["type"], document["status"]) == (f"/problems/{name}", kind.status)
        assert document["detail"]
    else:
        assert answer.kind == "text/html"
        assert f"<h1>{kind.title}</h1>" in answer.body.decode()


@pytest.mark.parametrize(
    "data",
    [
        b"NONSENSE\r\n\r\n",
        b"get / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / x HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"G\x00T / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /people?q=\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        GET + b"Name : value\r\n\r\n",
        GET + b"no colon\r\n\r\n",
        GET + b"X: a\rb\r\n\r\n",
        b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
        POST + b"Content-Length: abc\r\n\r\n",
        POST + b"Content-Length: -5\r\n\r\n",
        POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        POST + CHUNKED + b"\r\nzz\r\n\r\n",
        POST + CHUNKED + b"\r\n-1\r\n\r\n",
        POST + CHUNKED + b"\r\n2;\x00\r\n{}\r\n0\r\n\r\n",
        POST + CHUNKED + b"\r\n2\r\n{}}}\r\n0\r\n\r\n",
    ],
)
def test_a_request_that_cannot_be_read(server, data):
    (answer,) = send(server, data)
    refused(answer, "bad-request")


@pytest.mark.parametrize(
    "data",
    [
        POST + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        POST + CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        POST.replace(b"1.1", b"1.0") + CHUNKED + b"\r\n0\r\n\r\n" + GET + b"\r\n",
        POST.replace(b"1.1", b"1.2") + CHUNKED + b"\r\n0\r\n\r\n" + GET + b"\r\n",
    ],
)
def test_a_body_whose_end_is_said_in_two_ways(server, data):
    # Whoever sits in front may take the rest for another request: it must not be read.
    (answer,) = send(server, data)
    refused(answer, "bad-request")


@pytest.mark.parametrize("coding", [b"gzip", b"gzip, chunked", b"chunked, chunked", b"x", b"\x0b"])
def test_a_transfer_coding_that_is_not_known(server, coding):
    (answer,) = send(server, POST + b"Transfer-Encoding: " + coding + b"\r\n\r\n0\r\n\r\n")
    refused(answer, "not-implemented")


@pytest.mark.parametrize(
    "data",
    [
        b"GET /\r\n\r\n",
        b"GET / HTTP/0.9\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        POST.replace(b"1.1", b"3.0") + b"Content-Length: 5\r\n\r\n",
    ],
)
def test_a_version_that_is_not_spoken(server, data):
    answer, *_ = send(server, data)
    refused(answer, "version-not-supported")


def test_headers_that_are_too_large(server):
    large = b"X: " + b"a" * (256 * 1024 - len(GET) - 3)
    (answer,) = send(server, GET + large)  # all of it is read: there is no end of the headers
    refused(answer, "headers-too-large")


def test_a_person_gets_a_page_and_a_head_no_body(server):
    for accept, kind in ((b"*/*", "text/html"), (b"application/json", "application/problem+json")):
        data = b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\nAccept: " + accept + b"\r\n\r\n"
        (answer,) = send(server, data)
        assert answer.kind == kind
        refused(answer, "bad-request")
    (answer,) = send(server, b"HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n")
    assert (answer.status, answer.body) == (400, b"")
    assert int(answer.header("content-length")) > 0


def test_what_is_echoed_is_no_markup(server):
    (answer,) = send(server, b"GET / HTTP/1.1\r\n <script>alert(1)</script>\r\n\r\n")
    assert b"<script>" not in answer.body


def test_a_body_that_is_too_large_is_refused_before_or_after_it_is_read(server):
    # What is a little too much is read, so that its sender reads the answer; what is far too
    # much is refused by what it says of itself.
    for length, sent in ((MAX_BODY_BYTES + 1, MAX_BODY_BYTES + 1), (10**10, 0)):
        head = POST + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % length
        answer, *_ = send(server, head + b" " * sent)
        assert answer.document["type"] == "/problems/too-large"
    endless = (b"10000\r\n" + b"a" * 0x10000 + b"\r\n") * 4
    (answer,) = send(server, POST + FORM + CHUNKED + b"\r\n" + endless + b"1\r\na\r\n0\r\n\r\n")
    assert answer.document["type"] == "/problems/too-large"


def test_a_chunked_body_is_read_like_any_other(server):
    headers = b"Content-Type: application/json\r\n" + CHUNKED
    (answer,) = send(server, POST + headers + b"\r\n2\r\n{}\r\n0\r\n\r\n")
    assert answer.document["type"] == "/problems/invalid-input"


def test_a_post_without_a_length(server):
    (answer,) = send(server, POST + b"Content-Type: application/json\r\n\r\n")
    assert answer.document["type"] == "/problems/length-required"
    (answer,) = send(server, POST + b"\r\n")
    assert answer.document["type"] == "/problems/stale-form"


def test_who_expects_100_is_told_to_go_on_or_why_not(server):
    expecting = POST + b"Content-Type: application/json\r\nExpect: 100-continue\r\n"
    go_on, answer = send(server, expecting + b"Content-Length: 2\r\n\r\n{}")
    assert go_on.status == 100
    assert answer.document["type"] == "/problems/invalid-input"
    (answer,) = send(server, expecting + b"Content-Length: 9999999\r\n\r\n")
    refused(answer, "too-large")
    (answer,) = send(server, POST + b"Expect: 100-continue\r\n\r\n")
    assert answer.status == 403


def test_forms_of_a_request_that_are_right(server):
    for data in (
        GET + b"\r\n",
        b"\r\n" + GET + b"\r\n",
        GET + b"X-Folded: a\r\n b\r\n\r\n",
        GET.replace(b"GET /", b"GET http://x/") + b"\r\n",
        GET.replace(b"1.1\r\nHost: x", b"1.0") + b"\r\n",
        GET + b"Range: bytes=0-1\r\n\r\n",
        GET + b"Cookie: \xff\xfe=\xff; cloudhands_session=\xff\r\n\r\n",
    ):
        (answer,) = send(server, data)
        assert answer.status == 200, data


def test_methods_over_the_wire(server):
    for data, status, allow in (
        (b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 405, "GET, HEAD, OPTIONS"),
        (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 405, "GET, HEAD, OPTIONS, POST"),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 204, "GET, HEAD, OPTIONS, POST"),
        (b"OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n", 204, "GET, HEAD, OPTIONS"),
    ):
        (answer,) = send(server, data)
        assert (answer.status, answer.header("allow")) == (status, allow)


def test_hosts_over_the_wire(server):
    for hosts in (b"", b"Host: a\r\nHost: b\r\n", b"Host: \r\n", b"Host: a b\r\n"):
        (answer,) = send(server, b"GET / HTTP/1.1\r\n" + hosts + JSON + b"\r\n")
        assert answer.document["type"] == "/problems/bad-request"
