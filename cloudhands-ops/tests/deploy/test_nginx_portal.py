"""The portal behind nginx, asked by two people and a visitor, as HTML and as JSON, in turns."""

import dataclasses
import time

import pytest
from sqlalchemy import select

from cloudhands.common.membership.tables import Membership
from cloudhands.ops.deploy.testing import fronted
from cloudhands.web.app import configure
from cloudhands.web.http.cookies import SESSION_COOKIE
from cloudhands.web.http.fields import CSRF_TOKEN
from cloudhands.web.http.negotiation import HAL_FORMS
from cloudhands.web.testing import PASSWORD, Client, user

HTML = "text/html"
KINDS = (HTML, HAL_FORMS)
VIEWERS = ("", "admin", "member")
# What is public is kept for a second; nginx reckons with whole ones.
STALE_SECONDS = 2.1


@pytest.fixture
def front(portal, tmp_path):
    with fronted(tmp_path, portal.app) as made:
        yield made


@pytest.fixture
def client(front, portal):
    """Makes clients that go through nginx, signed in as somebody or not."""
    opened = []

    def make(uid="", accept=HAL_FORMS):
        origin = {"Sec-Fetch-Site": "same-origin"} if accept == HTML else {}
        one = Client(base_url=front.address, headers={"Accept": accept, **origin}, trust_env=False)
        if uid:
            one.cookies.set(SESSION_COOKIE, portal.cookie(uid), domain="127.0.0.1")
        opened.append(one)
        return one

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def everybody(client):
    return {(uid, kind): client(uid, kind) for uid in VIEWERS for kind in KINDS}


def paths(portal):
    organisation = f"/organisations/{portal.world.organisation}"
    return ["/", organisation, f"{organisation}/catalogue", "/account", "/rels", "/nowhere"]


def test_nobody_sees_anothers_page_or_another_representation(portal, everybody):
    for _ in range(2):
        for path in paths(portal):
            for (uid, kind), one in everybody.items():
                with portal.client(accept=kind) as without_nginx:
                    without_nginx.cookies.update(dict(one.cookies))
                    right = without_nginx.get(path)
                shown = one.get(path)
                assert shown.status_code == right.status_code, (path, uid)
                assert shown.headers["Content-Type"] == right.headers["Content-Type"]
                assert shown.text == right.text, (path, uid)


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8",
        "text/html, application/json",
        "text/html;q=0.1, application/json",
        "application/json, text/html",
        "application/json, text/plain, */*",
        "application/hal+json",
        "Application/JSON",
        "application/prs.hal-forms+json;q=0.5, application/hal+json",
        "text/css,*/*;q=0.1",
        "image/png",
        "nonsense",
    ],
)
def test_nginx_negotiates_as_the_portal_does(portal, client, accept):
    """For what it takes upon itself, and for what it leaves to the portal."""
    for path in ("/", "/rels", "/nowhere", "/health/live"):
        right = portal.client(accept=accept).get(path)
        for _ in range(2):
            shown = client(accept=accept).get(path)
            assert shown.status_code == right.status_code
            assert shown.headers.get("Content-Type") == right.headers.get("Content-Type")
            assert shown.text == right.text


def test_what_did_not_change_is_304_for_whose_it_is_and_for_nobody_else(portal, everybody):
    for path in ("/", f"/organisations/{portal.world.organisation}"):
        answers = {who: one.get(path) for who, one in everybody.items()}
        tags = {who: answer.headers.get("ETag") for who, answer in answers.items()}
        for who, one in everybody.items():
            for owner, tag in tags.items():
                if tag is None or answers[who].status_code != 200:
                    continue
                again = one.get(path, headers={"If-None-Match": tag})
                assert again.status_code == (304 if owner == who else 200), (path, who, owner)


def test_while_the_portal_is_down_visitors_see_the_stale_page_and_people_no_page(front, everybody):
    before = {kind: everybody["", kind].get("/").text for kind in KINDS}
    everybody["admin", HTML].get("/")
    time.sleep(STALE_SECONDS)
    front.take_down()
    for kind in KINDS:
        assert everybody["", kind].get("/").text == before[kind]
        assert everybody["admin", kind].get("/").status_code == 503


def test_after_a_deploy_nobody_is_told_that_nothing_changed(front, portal, everybody):
    tags = {who: one.get("/").headers["ETag"] for who, one in everybody.items()}
    front.take_down()
    site = dataclasses.replace(portal.services.site, support="next@example.org")
    services = dataclasses.replace(portal.services, site=site)
    front.app = configure(services).make_wsgi_app()
    front.bring_up()
    time.sleep(STALE_SECONDS)
    for who, one in everybody.items():
        answer = one.get("/", headers={"If-None-Match": tags[who]})
        assert answer.status_code == 200, who
        assert "next@example.org" in answer.text


def sign_in(one):
    answer = one.post("/sign-in", json={"uid": "admin", "password": PASSWORD})
    assert answer.status_code < 400, answer.text


def sign_out(one):
    (option,) = (
        option for key, option in one.document("/")["_templates"].items() if key == "sign-out"
    )
    assert one.use(option).status_code < 400


def test_after_a_new_sign_in_no_form_has_the_old_token(client):
    one = client()
    sign_in(one)
    old, tag = one.token(), one.get("/").headers["ETag"]
    sign_out(one)
    visitors = one.get("/", headers={"If-None-Match": tag})
    assert (visitors.status_code, "sign-in" in visitors.json()["_templates"]) == (200, True)
    sign_in(one)
    again = one.get("/", headers={"If-None-Match": tag})
    assert again.status_code == 200
    assert old not in again.text
    option = one.document("/")["_templates"]["sign-out"]
    assert one.use(option, csrf_token=old).status_code == 403
    assert one.use(option).status_code < 400


def test_after_a_changed_role_every_page_has_the_new_rights(portal, client):
    member, organisation = client("member"), f"/organisations/{portal.world.organisation}"
    invitation = f"/memberships/{portal.world.invitation}"
    tag = member.get(organisation).headers["ETag"]
    assert member.get(invitation).status_code == 404
    for role, status in (("admin", 200), ("member", 404)):
        with portal.services.database.writing() as session:
            membership = session.scalars(
                select(Membership).where(Membership.user == user(session, "member"))
            ).one()
            membership.role = role
        assert member.get(invitation).status_code == status
        changed = member.get(organisation, headers={"If-None-Match": tag})
        assert changed.status_code == (200 if role == "admin" else 304)


def test_the_conditions_of_an_edit_reach_the_portal(portal, client):
    member = client("member")
    path = f"/appliances/{portal.world.appliance}/rename"
    form = member.get(path)
    (option,) = form.json()["_templates"].values()
    tag, target = form.headers["ETag"], option["target"]
    assert tag.startswith('"'), "no proxy weakened it"
    body = {"label": "renamed", CSRF_TOKEN: member.token()}
    assert member.post(target, json=body).status_code == 428
    assert member.post(target, json=body, headers={"If-Match": tag}).status_code < 400
    assert member.post(target, json=body, headers={"If-Match": tag}).status_code == 412
    assert member.document(f"/appliances/{portal.world.appliance}")["label"] == "renamed"


@pytest.mark.parametrize(
    "condition", [{"If-Match": '"x"'}, {"If-Unmodified-Since": "Mon, 01 Jan 1990 00:00:00 GMT"}]
)
def test_a_condition_is_the_portals_to_judge(client, portal, condition):
    one = client("", HTML)
    one.get("/")
    right = portal.browser().get("/", headers=condition)
    shown = one.get("/", headers=condition)
    assert (shown.status_code, shown.text) == (right.status_code, right.text)
