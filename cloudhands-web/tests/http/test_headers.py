import re

import pytest

from cloudhands.web.http.constants import HEADERS, HEADERS_BEHIND_TLS
from cloudhands.web.http.negotiation import HAL_FORMS

HSTS = "strict-transport-security"


@pytest.fixture
def paths(portal):
    """A path of every route."""
    world = portal.world
    routes = portal.config.introspector.get_category("routes")
    known = {
        "organisation": world.organisation,
        "item": world.item,
        "appliance": world.appliance,
        "membership": world.invitation,
        "key": world.key,
    }
    found = [
        re.sub(r"{(\w+)[^/]*}", lambda part: str(known.get(part[1], "x")), route["pattern"])
        for route in (entry["introspectable"] for entry in routes)
    ]
    assert len(found) >= 18
    return found


def policy_of(answer):
    rules = answer.headers["content-security-policy"].split("; ")
    return {name: value for name, _, value in (rule.partition(" ") for rule in rules)}


def assert_secure(answer, what):
    names = [name.lower() for name, _ in answer.headers.multi_items()]
    for name, value in HEADERS:
        assert answer.headers.get(name) == value, f"{what}: {name}"
        assert names.count(name.lower()) == 1, f"{what}: {name}"
    assert HSTS not in names, what


@pytest.mark.parametrize("accept", ["text/html", HAL_FORMS])
def test_every_route_and_method(portal, paths, accept):
    for uid in ("", "admin"):
        client = portal.client(uid, accept=accept)
        for path in [*paths, "/nowhere"]:
            for method in ("GET", "HEAD", "POST", "DELETE"):
                assert_secure(client.request(method, path), f"{uid} {method} {path}")


def test_every_kind_of_answer(portal):
    client = portal.browser("member")
    static = re.search(r'"(/static/[^"]+)"', client.get("/").text)[1]
    world = portal.world
    asked = {
        200: client.get("/"),
        303: client.get("/sign-in"),
        403: client.post("/sign-out"),
        404: client.get("/nowhere"),
        400: client.post("/sign-in", content=b"{", headers={"Content-Type": "application/json"}),
        405: client.put("/"),
        415: client.post("/sign-in", content=b"x", headers={"Content-Type": "text/plain"}),
    }
    for status, answer in asked.items():
        assert answer.status_code == status
        assert_secure(answer, status)
    assert_secure(client.get(static), static)
    assert_secure(client.get(f"/appliances/{world.other_appliance}"), "not one's own")


def test_a_fault_of_ours_too(portal, monkeypatch):
    monkeypatch.setattr(type(portal.services.people), "search", lambda *_: 1 / 0)
    answer = portal.browser("member").get("/people?q=grace")
    assert answer.status_code == 500
    assert_secure(answer, 500)


def test_an_unchanged_file_goes_without(portal):
    client = portal.browser()
    static = re.search(r'"(/static/[^"]+)"', client.get("/").text)[1]
    tag = client.get(static).headers["etag"]
    unchanged = client.get(static, headers={"If-None-Match": tag})
    assert unchanged.status_code == 304
    assert "content-security-policy" not in unchanged.headers


def test_https_alone_is_told_to_stay(portal):
    client = portal.client()
    client.base_url = "https://portal.test"
    answer = client.get("/")
    assert answer.headers[HSTS] == dict(HEADERS_BEHIND_TLS)["Strict-Transport-Security"]
    assert answer.headers[HSTS].startswith("max-age=31536000")
    assert HSTS not in portal.client().get("/").headers


def test_the_policy_lets_nothing_in_that_is_written_into_a_page(portal):
    policy = policy_of(portal.client().get("/"))
    assert policy["default-src"] == "'none'"
    for source in ("script-src", "style-src", "connect-src", "form-action"):
        assert policy[source] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in str(policy)
