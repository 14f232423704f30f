"""Idempotency-Key: what was made for a request is not made again for the same request."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.idempotency import Creation
from cloudhands.common.organisation.tables import Organisation
from cloudhands.web.http.cookies import SESSION_COOKIE


@pytest.fixture
def portal(any_portal):
    return any_portal


def item(portal):
    return f"/organisations/{portal.world.organisation}/catalogue/{portal.world.item}"


def count(portal, model=Appliance):
    with portal.services.database.reading() as session:
        return session.scalar(select(func.count()).select_from(model))


def launch(client, path, label="new", key="one"):
    template = client.document(path)["_templates"]["launch"]
    body = {one["name"]: one["value"] for one in template["properties"] if "value" in one}
    headers = {"Idempotency-Key": key} if key is not None else {}
    return client.post(path, json={**body, "label": label}, headers=headers)


def test_the_same_request_makes_one_and_gets_the_same_answer(portal):
    client, before = portal.client("member"), count(portal)
    first = launch(client, item(portal))
    assert first.status_code == 201
    for key in ("one", '"one"', " one "):
        again = launch(client, item(portal), key=key)
        assert (again.status_code, again.headers["location"]) == (201, first.headers["location"])
        assert again.json() == first.json()
    assert count(portal) == before + 1
    assert launch(client, item(portal), key="two").headers["location"] != first.headers["location"]
    assert count(portal) == before + 2


def test_without_a_key_each_makes_one(portal):
    client, before = portal.client("member"), count(portal)
    for _ in range(2):
        assert launch(client, item(portal), key=None).status_code == 201
    assert count(portal) == before + 2
    assert count(portal, Creation) == 0


def test_a_key_with_another_request_is_refused(portal):
    client = portal.client("member")
    assert launch(client, item(portal)).status_code == 201
    before = count(portal)
    refused = launch(client, item(portal), label="something else")
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/key-reused")
    assert count(portal) == before


def test_a_key_is_one_persons(portal):
    mine, theirs = portal.client("member"), portal.client("admin")
    first = launch(mine, item(portal))
    assert launch(theirs, item(portal)).headers["location"] != first.headers["location"]


def test_a_refused_request_may_be_sent_again_with_its_key(portal):
    client, before = portal.client("member"), count(portal)
    assert launch(client, item(portal), label=" ").status_code == 422
    assert launch(client, item(portal)).status_code == 201
    assert count(portal) == before + 1


def test_requests_at_the_same_moment_make_one(portal):
    before, cookies = count(portal), portal.client("member").cookies

    def one(_):
        client = portal.client()
        client.cookies = cookies
        return launch(client, item(portal))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert count(portal) == before + 1


def test_a_key_is_forgotten_after_a_day(portal):
    client = portal.client("member")
    first = launch(client, item(portal), key="old")
    portal.time[0] += timedelta(hours=25)
    later = portal.client("member")
    assert launch(later, item(portal), key="new").status_code == 201
    assert count(portal, Creation) == 1
    again = launch(later, item(portal), key="old")
    assert again.headers["location"] != first.headers["location"]


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "tab\there"])
def test_a_key_that_is_none(portal, key):
    before = count(portal)
    refused = launch(portal.client("member"), item(portal), key=key)
    assert (refused.status_code, refused.json()["type"]) == (400, "/problems/bad-request")
    assert "Idempotency-Key" in refused.json()["detail"]
    assert count(portal) == before


def fields(page):
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))


def test_a_form_that_is_sent_twice_launches_one(portal):
    browser, before = portal.browser("member"), count(portal)
    values = {**fields(browser.get(item(portal)).text), "label": "new", "size": "small"}
    assert values["idempotency_key"]
    first, second = (browser.post(item(portal), data=values) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    assert count(portal) == before + 1
    changed = browser.post(item(portal), data={**values, "label": "another"})
    assert changed.headers["location"] != first.headers["location"], "typed anew, wished anew"
    anew = {**fields(browser.get(item(portal)).text), "label": "new", "size": "small"}
    assert browser.post(item(portal), data=anew).headers["location"] != first.headers["location"]
    assert count(portal) == before + 3


def test_an_invitation_and_a_key_take_one_too(portal):
    client = portal.client("admin")
    search = f"/organisations/{portal.world.organisation}/people?q=grace"
    (found,) = client.document(search)["_embedded"]["item"]
    template = found["_templates"]["invite"]
    body = {one["name"]: one["value"] for one in template["properties"] if "value" in one}
    answers = [
        client.post(template["target"], json=body, headers={"Idempotency-Key": "k"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].headers["location"] == answers[1].headers["location"]


def test_the_forms_of_another_day_are_new_ones(portal):
    browser = portal.browser("member")
    launched = set()
    for hours in (0, 25, 0, 0, 25, 0):
        portal.time[0] += timedelta(hours=hours)
        browser.cookies.set(SESSION_COOKIE, portal.cookie("member"), domain="portal.test")
        values = {**fields(browser.get(item(portal)).text), "label": "new", "size": "small"}
        launched.add(browser.post(item(portal), data=values).headers["location"])
    assert len(launched) == 6


def at_the_same_moment(portal, uid, send):
    cookies = portal.client(uid).cookies

    def one(_):
        client = portal.client()
        client.cookies = cookies
        return send(client)

    with ThreadPoolExecutor(6) as pool:
        return list(pool.map(one, range(6)))


def test_the_last_place_of_a_limit_at_the_same_moment(portal):
    with portal.services.database.writing() as session:
        organisation = session.query(Organisation).filter_by(uuid=portal.world.organisation).one()
        organisation.appliances_limit = organisation.appliances_used + 1
    answers = at_the_same_moment(portal, "member", lambda client: launch(client, item(portal)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.headers["location"] for answer in answers}) == 1


def test_an_invitation_at_the_same_moment(portal):
    search = f"/organisations/{portal.world.organisation}/people?q=grace"
    (found,) = portal.client("admin").document(search)["_embedded"]["item"]

    def send(client):
        template = found["_templates"]["invite"]
        body = {one["name"]: one["value"] for one in template["properties"] if "value" in one}
        body["csrf_token"] = client.token()
        return client.post(template["target"], json=body, headers={"Idempotency-Key": "k"})

    answers = at_the_same_moment(portal, "admin", send)
    assert {answer.status_code for answer in answers} == {201}
