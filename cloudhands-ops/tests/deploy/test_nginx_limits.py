"""What nginx refuses, as the portal would."""

import socket

import pytest

from cloudhands.common.testing.ports import LOOPBACK
from cloudhands.ops.deploy.testing import fronted
from cloudhands.ops.deploy.testing_app import HAL_FORMS


def raw(front, request):
    """The first answer to bytes that no client would send."""
    port = front.settings.portal.port
    with socket.create_connection((LOOPBACK, port), timeout=10) as connection:
        connection.sendall(request)
        return connection.makefile("rb").read().decode()


@pytest.mark.parametrize(
    ("status", "name", "request_"),
    [
        (413, "too-large", {"method": "POST", "url": "/echo", "content": b"x" * 262_145}),
        (414, "address-too-long", {"method": "GET", "url": "/" + "x" * 17_000}),
        (431, "headers-too-large", {"method": "GET", "url": "/", "headers": {"X-A": "x" * 17_000}}),
        (405, "method-not-allowed", {"method": "TRACE", "url": "/public"}),
    ],
)
def test_too_much_and_trace_are_refused_as_the_portal_would(app, front, status, name, request_):
    with front.client(Accept="application/json") as program:
        answer = program.request(**request_)
    assert answer.status_code == status
    assert answer.headers["Cache-Control"] == "no-store"
    # Where the headers were not read yet, nginx cannot know what is accepted.
    if status in (405, 413):
        assert answer.json()["type"] == f"/problems/{name}"
    assert app.asked == []


def test_what_is_no_http_is_refused(app, front):
    answer = raw(front, b"GET / HTTP/1.1\r\n\r\n")
    assert answer.startswith("HTTP/1.1 400")
    assert "<h1>Bad request</h1>" in answer
    assert "<h1>HTTP version not supported</h1>" in raw(front, b"GET / HTTP/9.9\r\n\r\n")
    answer = raw(front, b"TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert "\r\nAllow: GET, HEAD, OPTIONS, POST\r\n" in answer
    assert app.asked == []


def test_a_body_of_just_the_limit_passes(client):
    assert len(client.post("/echo", content=b"x" * 262_144).json()["body"]) == 262_144


def test_a_client_that_asks_too_often_is_told_to_wait(tmp_path, app):
    with (
        fronted(tmp_path, app, requests_per_second=2) as front,
        front.client(Accept=HAL_FORMS) as client,
    ):
        answers = [client.get("/long") for _ in range(12)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert [answer.status_code for answer in answers[:4]] == [200] * 4
    assert refused[0].json()["type"] == "/problems/too-many-attempts"
    assert int(refused[0].headers["Retry-After"]) > 0


def test_attempts_to_sign_in_have_a_limit_of_their_own(app, front, client):
    attempts = [client.post("/sign-in").status_code for _ in range(60)]
    assert 30 < attempts.count(200) < 50
    assert attempts.count(429) == 60 - attempts.count(200)
    assert client.get("/sign-in").status_code == 200
    assert client.post("/echo").status_code == 200


def test_many_browsers_behind_one_address_are_no_reason_to_refuse(client):
    assert {client.get("/echo").status_code for _ in range(400)} == {200}
