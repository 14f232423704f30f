"""What nginx passes on: what is somebody's, and who asks."""

import json

import pytest

from cloudhands.common.testing.ports import LOOPBACK
from cloudhands.ops.deploy.testing_app import SESSION


@pytest.mark.parametrize(
    "credentials",
    [
        {"Cookie": SESSION},
        {"Cookie": f"theme=dark; {SESSION}"},
        {"Cookie": 'broken="; cloudhands_session=ada'},
        {"Authorization": "Bearer x"},
    ],
)
def test_whoever_has_credentials_is_passed_on(app, client, credentials):
    """Even to a page that the portal takes for public."""
    client.get("/long")
    for _ in range(2):
        client.get("/long", headers=credentials)
    assert app.count("/long") == 3
    for name, value in credentials.items():
        assert app.asked[-1][f"HTTP_{name.upper()}"] == value


def test_nobody_is_shown_what_somebody_else_was(front):
    with (
        front.client(Cookie="cloudhands_session=ada") as ada,
        front.client(Cookie="cloudhands_session=bob") as bob,
        front.client() as visitor,
    ):
        for _ in range(2):
            for path in ("/mine", "/long", "/public"):
                assert "for cloudhands_session=ada" in ada.get(path).text
                assert "for cloudhands_session=bob" in bob.get(path).text
                assert "for everybody" in visitor.get(path).text


def test_conditions_reach_the_portal_and_its_304_the_client(app, front):
    with front.client(Cookie=SESSION) as person:
        tag = person.get("/mine").headers["ETag"]
        answer = person.get("/mine", headers={"If-None-Match": tag})
        assert (answer.status_code, answer.headers["ETag"]) == (304, tag)
        assert person.get("/mine", headers={"If-None-Match": '"old"'}).status_code == 200
        conditions = {"If-Match": '"1"', "If-Modified-Since": "x", "Idempotency-Key": "k"}
        seen = person.post("/echo", headers=conditions, content=b"a=b").json()
    assert seen["HTTP_IF_MATCH"] == '"1"'
    assert seen["HTTP_IF_MODIFIED_SINCE"] == "x"
    assert seen["HTTP_IDEMPOTENCY_KEY"] == "k"
    assert (seen["body"], seen["CONTENT_LENGTH"]) == ("a=b", "3")


def test_a_body_in_chunks_has_a_length_behind_nginx(client):
    seen = client.post("/echo", content=iter([b"a=", b"b"])).json()
    assert (seen["body"], seen["CONTENT_LENGTH"]) == ("a=b", "3")


# --- Who asks ------------------------------------------------------------------------------------

FORGED = {
    "X-Forwarded-For": "192.0.2.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "99",
    "X-Real-IP": "192.0.2.7",
    "Forwarded": "for=192.0.2.8;host=evil.example;proto=https",
    "X_Forwarded_For": "192.0.2.9",
}


@pytest.mark.parametrize("cookie", ["", SESSION])
def test_where_a_client_comes_from_is_nginx_to_say(front, cookie):
    with front.client(Cookie=cookie, Accept="application/json") as client:
        seen = client.get("/echo", headers=FORGED).json()
    host = f"{LOOPBACK}:{front.settings.portal.port}"
    assert (seen["REMOTE_ADDR"], seen["wsgi.url_scheme"], seen["HTTP_HOST"]) == (
        LOOPBACK,
        "http",
        host,
    )
    assert seen["HTTP_X_FORWARDED_FOR"] == LOOPBACK
    assert "evil.example" not in json.dumps(seen)
    assert "192.0.2" not in json.dumps(seen)
