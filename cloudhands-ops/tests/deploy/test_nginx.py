"""nginx with the rendered configuration, in front of an application that tells what it is asked."""

import json
import re
import socket
import tempfile
import time
from pathlib import Path

import pytest

from cloudhands.common.errors import ConfigurationError
from cloudhands.common.settings import Portal
from cloudhands.common.testing.nginx import complaints
from cloudhands.common.testing.ports import LOOPBACK
from cloudhands.common.testing.programs import require
from cloudhands.ops.deploy import files
from cloudhands.ops.deploy.testing import Front, fronted

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

    def __init__(self):
        self.asked = []
        self.version = 1

    def __call__(self, environ, start_response):
        seen = {key: value for key, value in environ.items() if isinstance(value, str)}
        seen["body"] = environ["wsgi.input"].read().decode()
        self.asked.append(seen)
        kind = environ.get("HTTP_ACCEPT", "").partition(",")[0]
        kind = "text/html" if kind in ("", "*/*") else kind
        status, headers, body = self._answer(environ["PATH_INFO"], kind, seen)
        headers.append(("Content-Type", kind))
        start_response(status, headers)
        return [body if environ["REQUEST_METHOD"] != "HEAD" else b""]

    def _answer(self, path, kind, seen):
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

    def count(self, path):
        """How often a path was asked for."""
        return sum(1 for seen in self.asked if seen["PATH_INFO"] == path)


@pytest.fixture
def app():
    return App()


@pytest.fixture
def front(tmp_path, app):
    with fronted(tmp_path, app) as made:
        yield made


@pytest.fixture
def client(front):
    with front.client() as made:
        yield made


# --- The configuration ---------------------------------------------------------------------------


@pytest.mark.parametrize("more", [{}, {"requests_per_second": 0}])
def test_nginx_has_nothing_against_it(tmp_path, app, more):
    assert complaints(Front(tmp_path, app, **more).write()) == ""


@pytest.mark.parametrize("name", ['a"b', "a$b", "a\\b"])
def test_a_path_that_nginx_would_not_understand_is_refused(tmp_path, app, name):
    require("nginx")
    with pytest.raises(ConfigurationError, match="choose another"):
        Front(tmp_path / name, app).write()


def test_a_path_with_what_shells_and_nginx_know_is_quoted(app):
    with (
        tempfile.TemporaryDirectory(prefix="it's {a;#b}", dir="/tmp") as folder,
        fronted(Path(folder), app) as front,
        front.client() as client,
    ):
        assert client.get("/public").status_code == 200


def test_without_nginx_the_remedy_is_named(tmp_path, app, monkeypatch):
    monkeypatch.setattr("cloudhands.common.testing.programs.find", lambda program: None)
    with pytest.raises(ConfigurationError, match="install the package nginx"):
        Front(tmp_path, app).write()


def test_its_configuration_is_written_only_where_it_is_wanted(tmp_path):
    layout = files.Layout(tmp_path / "cloudhands.toml", tmp_path)
    (only,) = files.write(layout, Portal(), tmp_path)
    assert only.name == files.SUPERVISORD


# --- What is for everybody -----------------------------------------------------------------------


def test_a_public_page_is_asked_for_once(app, client):
    answers = [client.get("/long") for _ in range(5)]
    assert {answer.text for answer in answers} == {answers[0].text}
    assert {"Accept", "Cookie"} < set(answers[0].headers["Vary"].split(", "))
    assert app.count("/long") == 1
    assert client.head("/long").headers["Content-Length"] == str(len(answers[0].content))
    assert app.count("/long") == 1


def test_a_client_that_has_it_is_told_304_without_asking_the_portal(app, client):
    tag = client.get("/long").headers["ETag"]
    answer = client.get("/long", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")
    assert app.count("/long") == 1


def test_what_is_kept_is_revalidated_and_what_changed_replaced(app, client):
    before = client.get("/public").text
    time.sleep(STALE_SECONDS)
    assert client.get("/public").text == before
    assert app.asked[-1]["HTTP_IF_NONE_MATCH"] == '"1-text/html-"'
    app.version = 2
    time.sleep(STALE_SECONDS)
    assert client.get("/public").text == before.replace("html 1", "html 2")


ACCEPTS = {
    "*/*": "text/html",
    "text/html": "text/html",
    BROWSER: "text/html",
    HAL_FORMS: HAL_FORMS,
    "application/hal+json": "application/hal+json",
    "application/json": "application/json",
}


def test_each_representation_is_kept_for_itself(app, client):
    for _ in range(2):
        for accept, kind in ACCEPTS.items():
            answer = client.get("/long", headers={"Accept": accept})
            assert answer.headers["Content-Type"] == kind
            assert answer.text.startswith(f"{kind} 1 for everybody")
    assert sorted(seen["HTTP_ACCEPT"] for seen in app.asked) == sorted(set(ACCEPTS.values()))


@pytest.mark.parametrize(
    "accept",
    [
        "application/json, text/html;q=0.5",
        "text/html;q=0.5, application/json",
        "text/html, application/json, text/html;q=0",
        "text/html;level=1",
        "application/json;q=0.9",
        "text/*",
        "image/png",
    ],
)
def test_what_takes_negotiation_is_the_portals(app, client, accept):
    for _ in range(2):
        client.get("/long", headers={"Accept": accept})
    assert [seen["HTTP_ACCEPT"] for seen in app.asked] == [accept, accept]


def test_nothing_that_tells_who_asks_goes_along(app, front):
    with front.client(Cookie="theme=dark", X_Anything="1", Accept_Language="cy") as client:
        assert "for everybody" in client.get("/long", headers={"Range": "bytes=0-"}).text
    names = {name for name in app.asked[0] if name.startswith("HTTP_")}
    assert names == {
        "HTTP_HOST",
        "HTTP_ACCEPT",
        "HTTP_X_FORWARDED_FOR",
        "HTTP_X_FORWARDED_PROTO",
    }


def test_another_host_another_page(app, client):
    for host in ("a.example", "b.example", "a.example"):
        client.get("/long", headers={"Host": host})
    assert [seen["HTTP_HOST"] for seen in app.asked] == ["a.example", "b.example"]


@pytest.mark.parametrize("path", ["/echo", "/mine", "/set-cookie"])
def test_what_is_not_to_be_kept_is_not_kept(app, client, path):
    for _ in range(2):
        client.get(path)
    assert app.count(path) == 2


def test_a_question_with_a_body_is_never_answered_from_what_is_kept(app, client):
    client.get("/long")
    client.request("GET", "/long", content=b"version=9")
    assert [seen["body"] for seen in app.asked] == ["", "version=9"]


def test_files_are_kept_for_everybody_signed_in_or_not(app, front, client):
    client.get("/static/x.js")
    with front.client(Cookie=SESSION, Accept="text/css,*/*;q=0.1") as person:
        answer = person.get("/static/x.js")
    assert "immutable" in answer.headers["Cache-Control"]
    assert "for everybody" in answer.text
    assert app.count("/static/x.js") == 1


# --- What is somebody's --------------------------------------------------------------------------


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


# --- Compression ---------------------------------------------------------------------------------


@pytest.mark.parametrize("accept", [BROWSER, HAL_FORMS, "application/json"])
def test_what_is_for_everybody_is_compressed_and_its_weak_tag_is_taken(front, accept):
    with front.client(Accept_Encoding="gzip", Accept=accept) as client:
        answer = client.get("/long")
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.text.endswith(LONG.decode())
        tag = answer.headers["ETag"]
        assert tag.startswith('W/"')
        assert client.get("/long", headers={"If-None-Match": tag}).status_code == 304


def test_what_is_somebodys_is_not_compressed_and_its_tag_stays_strong(front):
    with front.client(Accept_Encoding="gzip", Cookie=SESSION) as person:
        answer = person.get("/mine")
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["ETag"].startswith('"')


# --- While the portal is down --------------------------------------------------------------------


def test_public_pages_are_served_stale_and_are_fresh_afterwards(app, front, client):
    before = client.get("/public").text
    front.take_down()
    time.sleep(STALE_SECONDS)
    assert client.get("/public").text == before
    app.version = 2
    front.bring_up()
    assert client.get("/public").text != before


def test_whatever_else_is_honestly_not_available(front):
    front.take_down()
    with front.client(Accept=BROWSER) as browser:
        page = browser.get("/mine")
        assert browser.post("/echo", content=b"a=b").status_code == 503
    with front.client(Accept=HAL_FORMS, Cookie=SESSION) as program:
        problem = program.get("/mine")
    for answer in (page, problem):
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<h1>Not available</h1>" in page.text
    assert problem.headers["Content-Type"].startswith("application/problem+json")
    assert problem.json()["type"] == "/problems/unavailable"
    assert problem.json()["status"] == 503


# --- Limits --------------------------------------------------------------------------------------


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


# --- Logs and users ------------------------------------------------------------------------------


def test_the_log_has_a_json_line_for_each_request_and_no_query(front, client):
    client.get("/long?q=grace")
    log = Path(front.layout.logs / "nginx-access.log")
    deadline = time.monotonic() + 10
    while not log.read_text(encoding="utf-8"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [(line["path"], line["status"], line["cache"]) for line in lines] == [
        ("/long", "200", "MISS")
    ]


@pytest.mark.parametrize("uid", [0, 1000])
def test_a_user_is_named_only_where_nginx_is_started_by_root(tmp_path, app, monkeypatch, uid):
    monkeypatch.setattr("os.geteuid", lambda: uid)
    text = Front(tmp_path, app).write().read_text(encoding="utf-8")
    assert bool(re.search("^user root root;$", text, flags=re.MULTILINE)) == (uid == 0)
