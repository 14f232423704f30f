"""What HTTP demands of every page: methods, media types, bodies, addresses, HEAD."""

from uuid import UUID

import httpx
import pytest

from cloudhands.web.http.arrival import MAX_ADDRESS
from cloudhands.web.http.body import FORM, JSON_TYPES
from cloudhands.web.http.constants import MAX_BODY_BYTES
from cloudhands.web.http.cookies import SESSION_COOKIE
from cloudhands.web.http.negotiation import HAL_FORMS, PAGE_OFFERS
from cloudhands.web.http.problem_types import TYPES
from cloudhands.web.testing_wsgi import ask

JSON = "application/json"


@pytest.fixture
def portal(shared_portal):
    return shared_portal


def problem(answer, name):
    """Check that an answer is a problem of a type, completely."""
    kind = TYPES[name]
    assert answer.status_code == kind.status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.headers["cache-control"] == "no-store"
    document = answer.json()
    assert (document["type"], document["title"]) == (f"/problems/{name}", kind.title)
    assert document["status"] == kind.status
    assert document["detail"]
    return document


def asked(portal, method="GET", address="/", headers=(), body=b"", **environ):
    """Ask as another WSGI server would."""
    headers = {"Accept": HAL_FORMS} | dict(headers)
    return ask(portal.app, method, address, headers, body, **environ)


# Methods


def test_a_method_that_a_page_does_not_have(portal):
    client = portal.client("member")
    for method, path, allow in (
        ("POST", "/account", "GET, HEAD, OPTIONS"),
        ("DELETE", "/account", "GET, HEAD, OPTIONS"),
        ("PUT", "/account/keys", "GET, HEAD, OPTIONS, POST"),
        ("PATCH", f"/appliances/{portal.world.appliance}", "GET, HEAD, OPTIONS"),
        ("TRACE", "/", "GET, HEAD, OPTIONS"),
        ("CONNECT", "/", "GET, HEAD, OPTIONS"),
        ("FROBNICATE", "/rels", "GET, HEAD, OPTIONS"),
        ("TRACE", "/nowhere", "GET, HEAD, OPTIONS, POST"),
    ):
        answer = client.request(method, path)
        problem(answer, "method-not-allowed")
        assert answer.headers["allow"] == allow, (method, path)


def test_a_wrong_method_tells_nothing_about_what_is_in_the_path(portal):
    world = portal.world
    for method in ("OPTIONS", "DELETE", "TRACE"):
        answers = [
            portal.client(uid).request(method, path)
            for uid in ("", "member", "stranger")
            for path in (
                f"/appliances/{world.appliance}",
                f"/appliances/{world.organisation}",
                "/appliances/nonsense",
            )
        ]
        seen = {(one.status_code, one.headers["allow"], one.text) for one in answers}
        assert len(seen) == 1, method


def test_options(portal):
    answer = portal.client().options("/sign-in")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert answer.headers["cache-control"] == "no-store"
    problem(portal.client().options("/nowhere"), "not-found")


def test_a_head_is_a_get_without_the_body(portal):
    world, varying = portal.world, {"date", "content-length"}
    for uid in ("", "admin"):
        for accept in ("text/html", HAL_FORMS):
            client = portal.client(uid, accept=accept)
            for path in (
                "/",
                "/account",
                f"/organisations/{world.organisation}",
                f"/appliances/{world.appliance}",
                "/rels",
                "/nowhere",
                "/health/live",
            ):
                get, head = client.get(path), client.head(path)
                assert (head.status_code, head.content) == (get.status_code, b""), path
                assert head.headers["content-length"] == str(len(get.content)), path
                kept = [
                    {name: value for name, value in one.headers.items() if name not in varying}
                    for one in (get, head)
                ]
                assert kept[0] == kept[1], path


# Media types


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text/html"),
        (",", "text/html"),
        ("garbage", "text/html"),
        ("text/html;q=2", "text/html"),
        ("a/b," * 1000, "text/html"),
        ("*/*", "text/html"),
        ("*/*;q=0.1", "text/html"),
        ("text/html;q=0, */*", HAL_FORMS),
        ("text/*;q=0, */*;q=0.1", HAL_FORMS),
        ("TEXT/HTML", "text/html"),
        ("application/json; charset=utf-8", JSON),
        ("application/json;q=0.4, application/hal+json;q=0.5", "application/hal+json"),
        ("text/html;level=1", "text/html"),
    ],
)
def test_the_best_type_is_chosen(portal, accept, kind):
    answer = portal.client("member").get("/", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == kind


def test_no_type_that_is_accepted(portal):
    for accept in ("image/png", "*/*;q=0", "text/html;q=0", "text/plain, application/xml"):
        for path in ("/", "/account", f"/appliances/{portal.world.appliance}", "/problems"):
            answer = portal.client("member").get(path, headers={"Accept": accept})
            document = problem(answer, "not-acceptable")
            assert all(kind in document["detail"] for kind in PAGE_OFFERS)


def test_an_error_is_sent_though_nobody_accepts_its_type(portal):
    answer = portal.client("member").get("/nowhere", headers={"Accept": "image/png"})
    assert problem(answer, "not-found")["status"] == 404
    refused_html = portal.client("member").get("/nowhere", headers={"Accept": "text/html;q=0"})
    assert problem(refused_html, "not-found")["status"] == 404


def test_a_file_is_what_it_is(portal):
    page = portal.browser().get("/").text
    (path,) = {part for part in page.split('"') if part.endswith("portal.css")}
    answer = portal.client(accept="image/png").get(path)
    assert answer.headers["content-type"].startswith("text/css")


# Bodies


def post(portal, content=b"", uid="member", path="/account/keys", **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    client = portal.client(uid)
    names.setdefault("X-CSRF-Token", client.token())
    return client.post(path, content=content, headers=names)


def test_a_type_that_is_not_read(portal):
    for kind in ("text/plain", "multipart/form-data; boundary=x", "application/xml", "", "x" * 500):
        answer = post(portal, b"x=1", Content_Type=kind)
        problem(answer, "unsupported-media-type")
        assert answer.headers["accept-post"] == ", ".join((FORM, *JSON_TYPES))


def test_a_coding_or_charset_that_is_not_read(portal):
    zipped = post(portal, b"{}", Content_Type=JSON, Content_Encoding="gzip")
    problem(zipped, "unsupported-media-type")
    assert zipped.headers["accept-encoding"] == "identity"
    for kind in (f"{JSON}; charset=utf-16", f'{FORM};Charset="ISO-8859-1"'):
        problem(post(portal, b"{}", Content_Type=kind), "unsupported-media-type")
    for kind in (f"{JSON}; charset=UTF-8", f'{JSON};charset="utf-8"', JSON.upper()):
        assert post(portal, b"{}", Content_Type=kind).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        b'{"label": "a", "label": "b"}',
        b'{"label": "a", "key": {"b": "c"}}',
        b'{"label": NaN}',
        b'{"label": Infinity}',
        b'{"label": 1e999}',
        b'{"label": ' + b"9" * 5000 + b"}",
        b'{"label": null}',
        b'{"label": {"a": {"b": "c"}}}',
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b"[" * 100_000,
        b"null",
        b"\xef\xbb\xbf{}",
        '{"label": "x"}'.encode("utf-16"),
        '{"label": "x"}'.encode("utf-32"),
        b'{"label": "\\udc00"}',
        b'{"label": "a\nb"}',
        b"{} {}",
        b"{}x",
        b"{" + b",".join(b'"%d": ""' % number for number in range(101)) + b"}",
    ],
)
def test_json_that_is_not_an_object_of_text(portal, body):
    problem(post(portal, body, Content_Type=JSON), "bad-request")


def test_a_nul_is_a_character_that_a_field_does_not_allow(portal):
    answer = post(portal, b'{"label": "\\u0000", "key": ""}', Content_Type=JSON)
    assert "label" in problem(answer, "invalid-input")["errors"]


def test_an_empty_body_has_no_fields(portal):
    for kind in (JSON, FORM):
        errors = problem(post(portal, b"", Content_Type=kind), "invalid-input")["errors"]
        assert set(errors) == {"label", "key"}


def test_a_body_that_is_too_large(portal):
    for kind in (JSON, FORM, "text/plain"):
        answer = post(portal, b"a" * (MAX_BODY_BYTES + 1), Content_Type=kind)
        assert str(MAX_BODY_BYTES) in problem(answer, "too-large")["detail"]
    assert post(portal, b"a" * MAX_BODY_BYTES, Content_Type=JSON).status_code == 400


def test_a_body_without_an_end(portal):
    for headers in ({"Content-Type": JSON}, {"Transfer-Encoding": "chunked"}):
        for length in (None, ""):
            answer = asked(portal, "POST", "/sign-in", headers, CONTENT_LENGTH=length)
            assert (answer.status, answer.kind) == (411, "application/problem+json")
    assert asked(portal, "POST", "/sign-in", CONTENT_LENGTH=None).status == 403


def test_a_length_that_is_not_the_bodys(portal):
    for length in ("-1", "x", "1.5", "\xb2", "+1", "100", "9" * 5000):
        headers = {"Content-Type": JSON, "Content-Length": length}
        answer = asked(portal, "POST", "/sign-in", headers, b"{}")
        assert answer.status == (413 if length.startswith("9") else 400), length


def test_a_body_where_none_is_read_does_not_matter(portal):
    client = portal.client("member")
    for method in ("GET", "HEAD"):
        answer = client.request(method, "/account", content=b"\xff" * MAX_BODY_BYTES * 2)
        assert answer.status_code == 200


def test_a_wrong_method_or_page_is_told_before_a_wrong_body(portal):
    client, broken = portal.client("member"), {"content": b"{", "headers": {"Content-Type": JSON}}
    problem(client.post("/account", **broken), "method-not-allowed")
    problem(client.post("/nowhere", **broken), "not-found")


# Addresses


def test_an_address_that_is_too_long(portal):
    client = portal.client("member")
    for path in ("/" + "a" * MAX_ADDRESS, "/people?q=" + "a" * MAX_ADDRESS):
        assert str(MAX_ADDRESS) in problem(client.get(path), "address-too-long")["detail"]
    longest = "/people?q=" + "a" * (MAX_ADDRESS - len("/peopleq="))
    assert client.get(longest).status_code == 200


def test_other_spellings_of_an_id_are_other_addresses(portal):
    client, uuid = portal.client("member"), portal.world.appliance
    assert client.get(f"/appliances/{uuid}").status_code == 200
    spellings = (f"{{{uuid}}}", f"urn:uuid:{uuid}", uuid.hex, f"{uuid}".upper(), f" {uuid}")
    for spelling in spellings:
        assert UUID(spelling.strip()) == uuid
        problem(client.get(f"/appliances/{spelling}"), "not-found")


@pytest.mark.parametrize(
    "path",
    [
        "/%00",
        "/account%00",
        "/appliances/%00",
        "/organisations/%2F",
        "/organisations/..%2f..%2fetc%2fpasswd",
        "/static/../../etc/passwd",
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "/static/0123456789abcdef/../portal.css%00",
        "/%zz",
        "/account/",
        "//account",
        "/appliances/" + "a" * 5000,
        "/rels/..;/account",
        "/*",
    ],
)
def test_a_strange_address_leads_nowhere(portal, path):
    answer = portal.client("member").get(httpx.URL("http://portal.test", raw_path=path.encode()))
    problem(answer, "not-found")


def test_an_address_that_is_not_utf_8(portal):
    headers = {"Cookie": f"{SESSION_COOKIE}={portal.cookie('member')}"}
    for path in ("/%ff", "/people?q=%ff", "/rels/%c3%28", "/people?%ff=1", "/people?q=\xff"):
        answer = asked(portal, "GET", path, headers)
        assert (answer.status, answer.document["type"]) == (400, "/problems/bad-request"), path


# Headers


def test_a_host_that_is_none(portal):
    for host in ("", "a b", "a, b", "a/b", "a@b", "[::1", "host:port", "host:123456", "h\xf6st"):
        assert asked(portal, HTTP_HOST=host).status == 400, host
    for host in ("portal.test", "portal.test:8080", "127.0.0.1", "[::1]:80", "a_b", "x:"):
        assert asked(portal, HTTP_HOST=host).status == 200, host


def test_a_request_without_host(portal):
    assert asked(portal, HTTP_HOST=None).status == 400
    assert asked(portal, HTTP_HOST=None, SERVER_PROTOCOL="HTTP/1.0").status == 200


def test_an_accept_that_is_not_text(portal):
    answer = asked(portal, headers={"Accept": "text/html\xff"})
    assert (answer.status, answer.kind) == (200, "text/html")


def test_who_is_not_signed_in_is_challenged_without_a_dialogue(portal):
    answer = portal.client().get("/account")
    problem(answer, "not-signed-in")
    assert answer.headers["www-authenticate"].startswith('Cookie realm="')
    assert "basic" not in answer.headers["www-authenticate"].lower()
    part = portal.browser().get("/account", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["cache-control"]) == (401, "no-store")
    assert "www-authenticate" in part.headers
