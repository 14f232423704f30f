"""What a person or a program gets wrong: its status, a plain sentence, and nothing changed."""

from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.exc import InternalError, OperationalError

from cloudhands.common import schema
from cloudhands.common.account.tables import PortalSession
from cloudhands.web.http.cookies import SESSION_COOKIE
from cloudhands.web.http.negotiation import HAL_FORMS
from cloudhands.web.testing import PASSWORD

KINDS = {"html": "text/html", "json": HAL_FORMS}


@pytest.fixture
def portal(any_portal):
    return any_portal


@pytest.fixture(params=KINDS)
def accept(request):
    return KINDS[request.param]


def contents(portal):
    """Every row of every table, but for the sessions that the test's own clients have."""
    with portal.services.database.reading() as session:
        return {
            table.name: session.execute(select(table)).all()
            for table in schema.METADATA.sorted_tables
            if table.name != PortalSession.__tablename__
        }


def submit(portal, client, path, values, *, token=None):
    """Post values the way the client's kind does: a form, or JSON."""
    token = portal.client().token() if token is None and not client.cookies else token
    body = values | {"csrf_token": token_of(client) if token is None else token}
    body = {name: value for name, value in body.items() if value is not None}
    if client.headers["Accept"] == HAL_FORMS:
        return client.post(path, json=body)
    return client.post(path, data=body)


def token_of(client):
    answer = client.get("/", headers={"Accept": HAL_FORMS})
    (template, *_) = answer.json()["_templates"].values()
    values = {one["name"]: one.get("value") for one in template["properties"]}
    return values.get("csrf_token")


def refused(answer, status, sentence):
    assert answer.status_code == status, answer.text
    assert sentence in answer.text
    assert "Traceback" not in answer.text
    kind = answer.headers["content-type"]
    assert kind.startswith(("text/html", "application/problem+json"))
    if kind.startswith("application"):
        problem = answer.json()
        assert problem["status"] == status
        assert problem["type"].startswith("/problems/")
        assert problem["title"]
        assert problem["detail"]


def test_a_wrong_password(portal, accept):
    client, before = portal.client(accept=accept), contents(portal)
    client.get("/")
    for uid in ("admin", "nobody-of-that-name", "member", "x' OR 1=1 --", "*)(uid=*"):
        answer = submit(
            portal, client, "/sign-in", {"uid": uid, "password": "wrong"}, token=token_of(client)
        )
        refused(answer, 422, "User name or password is wrong.")
        assert "cloudhands_session" not in answer.headers.get("set-cookie", "")
    assert contents(portal) == before


def test_a_wrong_password_keeps_the_name_and_not_the_password(portal):
    client = portal.browser()
    answer = submit(
        portal,
        client,
        "/sign-in",
        {"uid": "admin", "password": "wr0ng-one"},
        token=token_of(client),
    )
    assert 'value="admin"' in answer.text
    assert "wr0ng-one" not in answer.text


def test_too_many_attempts(portal, accept):
    client = portal.client(accept=accept)
    token = token_of(client)
    for _ in range(10):
        submit(portal, client, "/sign-in", {"uid": "admin", "password": "wrong"}, token=token)
    answer = submit(portal, client, "/sign-in", {"uid": "admin", "password": PASSWORD}, token=token)
    refused(answer, 429, "Too many attempts")
    assert int(answer.headers["retry-after"]) > 0


def test_an_unknown_page(portal, accept):
    for path in ("/nowhere", "/appliances/not-a-uuid", "/appliances/"):
        refused(portal.client("member", accept=accept).get(path), 404, "There is no such page")


def test_a_path_or_query_that_is_not_utf_8(portal, accept):
    cookies = {SESSION_COOKIE: portal.cookie("member")}
    with portal.served() as address, httpx.Client(base_url=address, cookies=cookies) as client:
        for path in ("/%ff", "/people?q=%ff", "/organisations/%ff"):
            refused(client.get(path, headers={"Accept": accept}), 400, "not UTF-8")


def test_a_method_that_a_page_does_not_have(portal, accept):
    client = portal.client("member", accept=accept)
    answer = submit(portal, client, "/account", {})
    refused(answer, 405, "cannot be asked that")


def test_someone_elses_organisation(portal, accept):
    world = portal.world
    client, before = portal.client("stranger", accept=accept), contents(portal)
    refused(client.get(f"/organisations/{world.organisation}"), 404, "There is no such page")
    path = f"/organisations/{world.organisation}/catalogue/{world.item}"
    answer = submit(portal, client, path, {"label": "mine now", "size": "small"})
    refused(answer, 404, "There is no such page")
    answer = submit(portal, client, f"/appliances/{world.appliance}/delete", {})
    refused(answer, 404, "There is no such page")
    assert contents(portal) == before


def test_a_missing_or_foreign_csrf_token(portal, accept):
    client, before = portal.client("member", accept=accept), contents(portal)
    path = f"/appliances/{portal.world.appliance}/delete"
    for token in ("", "0" * 64, "\u00e9", token_of(portal.client("admin"))):
        answer = submit(portal, client, path, {}, token=token)
        refused(answer, 403, "This form is too old")
    refused(client.post(path), 403, "This form is too old")
    assert contents(portal) == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_a_sign_in_from_another_site(portal, accept, headers):
    client, before = portal.client(accept=accept), contents(portal)
    client.headers.update(headers)
    values = {"uid": "admin", "password": PASSWORD}
    refused(submit(portal, client, "/sign-in", values, token=""), 403, "not from this site")
    assert contents(portal) == before


def test_a_sign_in_of_unknown_origin(portal):
    client, values = portal.client(), {"uid": "admin", "password": PASSWORD}
    refused(client.post("/sign-in", data=values), 403, "not from this site")
    assert client.post("/sign-in", json=values).status_code == 303


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{", 400),
        ("application/json", b"[]", 400),
        ("application/json", b'"text"', 400),
        ("application/json", b'{"label": 1}', 400),
        ("application/json", b'{"label": "\xff"}', 400),
        ("application/json", b'{"label": "\\ud800"}', 400),
        ("application/json", b"[" * 100_000, 400),
        ("application/x-www-form-urlencoded", b"label=%ff", 400),
        ("application/x-www-form-urlencoded", b"label=\xff", 400),
        ("application/x-www-form-urlencoded", b"label=a&label=b", 400),
        ("text/plain", b"label=a", 415),
        ("multipart/form-data; boundary=x", b"--x\r\nbroken", 415),
    ],
)
def test_a_malformed_body(portal, accept, kind, body, status):
    client, before = portal.client("member", accept=accept), contents(portal)
    world = portal.world
    answer = client.post(
        f"/organisations/{world.organisation}/catalogue/{world.item}",
        content=body,
        headers={"Content-Type": kind, "X-CSRF-Token": token_of(client)},
    )
    assert answer.status_code == status, answer.text
    assert "Traceback" not in answer.text
    assert contents(portal) == before


def test_an_unknown_catalogue_item(portal, accept):
    client, before = portal.client("member", accept=accept), contents(portal)
    path = f"/organisations/{portal.world.organisation}/catalogue/{portal.world.appliance}"
    refused(client.get(path), 404, "no such item")
    answer = submit(portal, client, path, {"label": "x", "size": "small"})
    refused(answer, 404, "no such item")
    assert contents(portal) == before


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({"size": "small"}, "label", "This is required."),
        ({"label": "", "size": "small"}, "label", "must not be empty"),
        ({"label": "   ", "size": "small"}, "label", "must not be empty"),
        ({"label": "x" * 81, "size": "small"}, "label", "At most 80"),
        ({"label": "two\nlines", "size": "small"}, "label", "not allowed"),
        ({"label": "nul\x00", "size": "small"}, "label", "not allowed"),
        ({"label": "x", "size": "enormous"}, "size", "has no size"),
        ({"label": "x", "size": "small", "state": "running"}, "state", "no such field"),
    ],
)
def test_a_wrong_field(portal, accept, values, field, sentence):
    client, before = portal.client("member", accept=accept), contents(portal)
    path = f"/organisations/{portal.world.organisation}/catalogue/{portal.world.item}"
    answer = submit(portal, client, path, values)
    refused(answer, 422, sentence)
    if accept == HAL_FORMS:
        assert sentence in answer.json()["errors"][field]
    assert contents(portal) == before


def test_a_name_with_markup_is_text(portal):
    client, label = portal.client("member"), "<script>alert(1)</script> & 'x' \"y\""
    path = f"/organisations/{portal.world.organisation}/catalogue/{portal.world.item}"
    made = submit(portal, client, path, {"label": label, "size": "small"})
    assert made.status_code == 201
    assert client.get(made.headers["location"]).json()["label"] == label
    for page in (made.headers["location"], f"/organisations/{portal.world.organisation}"):
        html = portal.browser("member").get(page).text
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_an_invitation_accepted_twice(portal, accept):
    client = portal.client("invitee", accept=accept)
    path = f"/invitations/{portal.world.invitation}/accept"
    assert submit(portal, client, path, {}).status_code == 303
    before = contents(portal)
    refused(submit(portal, client, path, {}), 409, "not open any more")
    assert contents(portal) == before


@pytest.mark.parametrize(("uid", "status"), [("stranger", 404), ("member", 404), ("admin", 403)])
def test_an_invitation_accepted_by_another(portal, accept, uid, status):
    client, before = portal.client(uid, accept=accept), contents(portal)
    answer = submit(portal, client, f"/invitations/{portal.world.invitation}/accept", {})
    refused(answer, status, "")
    assert contents(portal) == before


def test_inviting_somebody_whom_the_directory_does_not_know(portal, accept):
    client, before = portal.client("admin", accept=accept), contents(portal)
    path = f"/organisations/{portal.world.organisation}/invitations"
    refused(submit(portal, client, path, {"person": "nobody"}), 422, "does not know this person")
    refused(submit(portal, client, path, {"person": "x", "role": "king"}), 422, "role")
    assert contents(portal) == before


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("nonsense", "A public key starts with"),
        ("ssh-ed25519 !!!", "not base64"),
        ("ssh-ed25519 AAAA", "damaged"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "private key"),
    ],
)
def test_a_key_that_is_none(portal, accept, key, sentence):
    client, before = portal.client("member", accept=accept), contents(portal)
    answer = submit(portal, client, "/account/keys", {"label": "x", "key": key})
    refused(answer, 422, sentence)
    assert contents(portal) == before


def test_a_goal_that_the_state_does_not_allow(portal, accept):
    client, before = portal.client("member", accept=accept), contents(portal)
    answer = submit(portal, client, f"/appliances/{portal.world.appliance}/stop", {})
    refused(answer, 409, "is requested and cannot stop now. It can be deleted.")
    answer = submit(portal, client, f"/appliances/{portal.world.appliance}/retry", {})
    refused(answer, 409, "has not failed")
    assert contents(portal) == before


def test_a_fault_of_ours_shows_no_traceback_and_is_logged(portal, accept, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(portal.services.people), "search", broken)
    answer = portal.client("member", accept=accept).get("/people?q=x")
    refused(answer, 500, "This is our fault")
    assert "secret detail" not in answer.text


# The other: PostgreSQL has ended a transaction in which a frozen process held locks for too long.
@pytest.mark.parametrize("error", [OperationalError, InternalError])
def test_a_database_that_is_down(portal, accept, monkeypatch, error):
    def down(*_):
        raise error("SELECT secret", {}, Exception("connection refused"))

    monkeypatch.setattr("cloudhands.web.request.find_session", down)
    answer = portal.client("member", accept=accept).get("/account")
    refused(answer, 503, "does not answer at the moment")
    assert "secret" not in answer.text
    assert answer.headers["retry-after"]


@pytest.mark.parametrize("uid", ["nul\x00", "new\nline", "x" * 65, "   "])
def test_a_user_name_that_is_none(portal, accept, uid):
    client, before = portal.client(accept=accept), contents(portal)
    answer = submit(
        portal, client, "/sign-in", {"uid": uid, "password": "x"}, token=token_of(client)
    )
    refused(answer, 422, "")
    assert contents(portal) == before


def test_other_spellings_of_a_user_name_are_not_other_attempts(portal, accept):
    client = portal.client(accept=accept)
    token = token_of(client)
    for uid in ["admin", "ADMIN", " admin ", "\uff41dmin"] * 3:
        values = {"uid": uid, "password": "wrong"}
        answer = submit(portal, client, "/sign-in", values, token=token)
    refused(answer, 429, "Too many attempts")


def test_a_cookie_of_another_application_that_cannot_be_read(portal, accept):
    headers = {"Accept": accept, "Cookie": 'other="\\377"'}
    client = portal.client(accept=accept)
    assert client.get("/", headers=headers).status_code == 200
    refused(client.get("/nowhere", headers=headers), 404, "There is no such page")


def test_a_form_from_another_site(portal, accept):
    client, before = portal.client("member", accept=accept), contents(portal)
    client.headers["Origin"] = "https://evil.example"
    answer = submit(portal, client, f"/appliances/{portal.world.appliance}/delete", {})
    refused(answer, 403, "This form is too old or not from this site")
    assert contents(portal) == before
    client.headers["Origin"] = "http://portal.test"
    answer = submit(portal, client, f"/appliances/{portal.world.appliance}/delete", {})
    assert answer.status_code == 303


def test_a_part_that_renews_itself_after_the_session_has_ended(portal):
    path = f"/appliances/{portal.world.appliance}"
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://portal.test{path}"}
    answer = portal.browser().get(f"{path}/live", headers=headers)
    leads_to = f"/sign-in?next={quote(path, safe='')}"
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, leads_to)


def test_the_address_of_a_refused_form_leads_back_to_its_page(portal):
    world, client = portal.world, portal.browser("admin")
    for path, page in {
        "/sign-in": "/",
        "/account/keys": "/account",
        f"/account/keys/{world.key}/remove": "/account",
        f"/appliances/{world.appliance}/stop": f"/appliances/{world.appliance}",
        f"/invitations/{world.invitation}/accept": f"/invitations/{world.invitation}",
        f"/organisations/{world.organisation}/invitations": (
            f"/organisations/{world.organisation}/people"
        ),
    }.items():
        answer = client.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"] == f"http://portal.test{page}"
