"""The search for people: what it tells, how often one may ask, and what an invitation keeps."""

import html
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cloudhands.common.errors import TooManyAttempts
from cloudhands.common.settings import Index
from cloudhands.common.testing.factories import person
from cloudhands.web.security.throttle import (
    BUSY_MINUTES_OF_A_DAY,
    BUSY_MINUTES_OF_AN_HOUR,
    Throttle,
)
from cloudhands.web.testing import NOW, PEOPLE, index_people, user

SEARCHES = 3


@pytest.fixture
def throttled(portal):
    portal.services = replace(portal.services, throttle=Throttle(2, searches=SEARCHES))
    return portal


def test_whoever_is_not_signed_in_sees_nobody(portal):
    assert portal.client().get("/people?q=grace").status_code == 401
    answer = portal.browser().get("/people?q=grace")
    assert (answer.status_code, "Hopper" in answer.text) == (303, False)


def test_too_many_searches_are_refused(throttled):
    client = throttled.client("member")
    for number in range(SEARCHES):
        assert client.get(f"/people?q=grace{number}").status_code == 200
    refused = client.get("/people?q=grace")
    assert refused.status_code == 429
    assert refused.json()["type"] == "/problems/too-many-attempts"
    assert refused.json()["detail"].startswith("You have searched for people very often. Try again")
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert client.get("/people").status_code == 200, "the empty form is no search"
    assert throttled.client("admin").get("/people?q=grace").status_code == 200, "nor is another's"
    page = throttled.browser("member").get("/people?q=grace")
    assert page.status_code == 429
    assert '<p role="alert">You have searched' in page.text


@pytest.mark.parametrize(
    ("busy", "apart", "told"),
    [
        (BUSY_MINUTES_OF_AN_HOUR, 61, r"Try again in \d+ min"),
        (BUSY_MINUTES_OF_A_DAY, 601, r"Try again in \d+ h"),
    ],
)
def test_an_hour_and_a_day_have_room_for_some_busy_minutes(monkeypatch, busy, apart, told):
    throttle, begun = Throttle(1, searches=SEARCHES), time.time()
    now = [begun]
    monkeypatch.setattr(time, "time", lambda: now[0])
    for minute in range(busy):
        now[0] = begun + apart * minute
        for _ in range(SEARCHES):
            throttle.search(1)
    now[0] += apart
    with capture_logs() as logs:
        for _ in range(2):
            with pytest.raises(TooManyAttempts, match=told):
                throttle.search(1)
    assert [one["user"] for one in logs] == [1], "an operator is told, once"
    throttle.search(2)


def test_inviting_counts_too_and_what_is_known_does_not(throttled):
    client = throttled.client("admin")
    path = f"/organisations/{throttled.world.organisation}/people?q=grace"
    first = client.get(path)
    for _ in range(SEARCHES):
        again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304
    assert [client.get(path).status_code for _ in range(SEARCHES)] == [200, 200, 429]


def test_the_age_of_the_index_is_told_once_it_is_stale(portal):
    client, browser = portal.client("member"), portal.browser("member")
    allowed = timedelta(minutes=Index().stale_minutes)
    portal.time[0] = NOW + allowed
    fresh = client.get("/people?q=grace")
    assert fresh.json()["stale_since"] is None
    assert "as it was at" not in browser.get("/people").text
    portal.time[0] += timedelta(seconds=1)
    stale = client.get("/people?q=grace", headers={"If-None-Match": fresh.headers["etag"]})
    assert stale.status_code == 200
    assert stale.json()["stale_since"] == "2026-03-01T12:00:00Z"
    assert stale.json()["_embedded"]["item"][0]["uid"] == "ghopper"
    assert "as it was at <time" in browser.get("/people").text


def test_an_invitation_keeps_the_immutable_identifier(any_portal):
    client = any_portal.client("admin")
    search = f"/organisations/{any_portal.world.organisation}/people?q=ghopper"
    (found,) = client.document(search)["_embedded"]["item"]
    assert client.use(found["_templates"]["invite"]).status_code == 201
    with any_portal.services.database.reading() as session:
        assert user(session, "ghopper").directory_id == PEOPLE[0].id


def test_markup_in_what_was_typed_is_text(portal):
    page = portal.browser("member").get("/people?q=%3Cscript%3Ealert(1)%3C/script%3E")
    assert page.status_code == 200
    assert "<script>alert" not in page.text


@pytest.mark.parametrize("kept", ["\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe", "<b>Eve</b>"])
def test_a_name_cannot_reach_beyond_itself(portal, kept):
    index_people(portal.services.settings.path(Path("index")), [person("eve", f"Eve {kept}")])
    shown = portal.browser("member").get("/people?q=eve").text
    assert f"<bdi>Eve {html.escape(kept)}</bdi>" in shown


def test_what_no_database_or_page_can_hold_is_left_out(portal):
    answer = portal.browser("member").get("/people?q=gr%00ace")
    assert 'value="grace"' in answer.text
    assert "\0" not in answer.text


def test_who_invites_goes_on_to_the_next_one(portal):
    path = f"/invitations/{portal.world.invitation}"
    organisation = f"/organisations/{portal.world.organisation}"
    links = portal.client("admin").document(path)["_links"]
    assert links["up"]["href"] == organisation
    assert links["ch:people"]["href"] == f"{organisation}/people{{?q}}"
    links = portal.client("invitee").document(path)["_links"]
    assert links["up"]["href"] == "/"
    assert "ch:people" not in links
