"""ETags and 304: what did not change costs nothing, and what changed is never hidden."""

import dataclasses

import pytest
from sqlalchemy import Engine, event, select

from cloudhands.common.actor.commands import refresh_user
from cloudhands.common.actor.tables import User
from cloudhands.common.appliance import commands
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.membership.tables import Membership
from cloudhands.common.person import Person
from cloudhands.web.app import configure
from cloudhands.web.http.negotiation import HAL_FORMS
from cloudhands.web.testing import NOW, user

HTML = "text/html"


def pages(world):
    """Viewer and path of every page that has a tag."""
    organisation = f"/organisations/{world.organisation}"
    return [
        ("", "/"),
        ("", "/sign-in?next=/account"),
        ("", "/rels"),
        ("", "/problems"),
        ("invitee", "/"),
        ("member", "/"),
        ("member", organisation),
        ("member", f"{organisation}/live"),
        ("member", f"{organisation}/catalogue"),
        ("member", f"{organisation}/catalogue/{world.item}"),
        ("member", f"/appliances/{world.appliance}"),
        ("member", f"/appliances/{world.appliance}/live"),
        ("member", f"/appliances/{world.appliance}/rename"),
        ("member", "/people?q=grace"),
        ("admin", f"{organisation}/people?q=grace"),
        ("member", "/account"),
        ("invitee", f"/invitations/{world.invitation}"),
        ("admin", f"/memberships/{world.invitation}"),
    ]


@pytest.mark.parametrize("accept", [HTML, HAL_FORMS])
def test_every_page_has_a_tag_and_answers_304_to_it(portal, accept):
    for uid, path in pages(portal.world):
        client = portal.client(uid, accept=accept)
        full = client.get(path)
        assert full.status_code == 200, path
        tag = full.headers["etag"]
        assert tag.startswith('"'), "strong"
        for form in (tag, f"W/{tag}", f'"other", {tag}', f'W/"other",W/{tag}', "*"):
            for method in ("GET", "HEAD"):
                same = client.request(method, path, headers={"If-None-Match": form})
                assert (same.status_code, same.content) == (304, b""), (path, form)
                assert same.headers["etag"] == tag
                for name in ("cache-control", "vary"):
                    assert same.headers[name] == full.headers[name]
                assert "content-type" not in same.headers
        for form in ('"other"', "nonsense", "", '"'):
            other = client.get(path, headers={"If-None-Match": form})
            assert (other.status_code, other.content) == (200, full.content), (path, form)


def test_head_has_the_headers_of_get(portal):
    for uid, path in pages(portal.world):
        client = portal.client(uid, accept=HTML)
        full, head = client.get(path), client.head(path)
        assert dict(head.headers) == dict(full.headers), path
        assert head.content == b""


def test_who_may_keep_a_copy(portal):
    for uid, path in pages(portal.world):
        answer = portal.client(uid).get(path)
        kept = answer.headers["cache-control"]
        assert {"Accept", "Cookie"} <= set(answer.headers["vary"].split(", "))
        assert "set-cookie" not in answer.headers
        if uid or path.startswith("/sign-in"):
            assert kept == "private, no-cache", path
        else:
            assert kept.startswith("public, max-age="), path


def test_a_session_that_has_ended_gets_nothing_that_others_may_keep(portal):
    client = portal.client()
    client.cookies.set("cloudhands_session", "ended", domain="portal.test")
    answer = client.get("/")
    assert answer.headers["cache-control"] == "private, no-cache"
    assert "sign-in" in answer.json()["_templates"]


def test_what_is_refused_is_not_kept_and_has_no_tag(portal):
    for path, status in (("/nowhere", 404), ("/account", 401)):
        answer = portal.client().get(path, headers={"If-None-Match": "*"})
        assert (answer.status_code, answer.headers["cache-control"]) == (status, "no-store")
        assert "etag" not in answer.headers


def statements(portal, client, path, tag):
    """How many statements a request takes."""
    seen = []

    def note(connection, cursor, statement, *rest):
        if statement.startswith("SELECT"):
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return len(seen)


def test_a_304_takes_two_small_queries_and_renders_nothing(portal, monkeypatch):
    client, path = portal.browser("member"), f"/appliances/{portal.world.appliance}/live"
    tag = client.get(path).headers["etag"]
    monkeypatch.setattr("cloudhands.web.http.negotiation._render", None)
    assert statements(portal, client, path, tag) == 2


def tag_of(client, path="/"):
    return client.get(path).headers["etag"]


def test_another_session_release_or_type_is_another_tag(portal):
    path = f"/appliances/{portal.world.appliance}"
    first = portal.client("member")
    tags = {tag_of(first, path), tag_of(portal.client("member"), path)}
    tags.add(first.get(path, headers={"Accept": "application/json"}).headers["etag"])
    tags.add(first.get(path, headers={"Accept": HTML}).headers["etag"])
    deployed = dataclasses.replace(
        portal.services, site=dataclasses.replace(portal.services.site, title="Renamed")
    )
    portal.app = configure(deployed).make_wsgi_app()
    again = portal.client("member")
    again.cookies = first.cookies
    tags.add(tag_of(again, path))
    assert len(tags) == 5


def test_another_role_is_another_tag(portal):
    client, path = portal.client("member"), f"/organisations/{portal.world.organisation}"
    before = client.get(path)
    with portal.services.database.writing() as session:
        row = session.scalars(
            select(Membership).join(User, User.id == Membership.user_id).where(User.uid == "member")
        ).one()
        row.role = "admin"  # without a new version: the role itself counts
    after = client.get(path, headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert "ch:people" in after.json()["_links"]


def test_a_page_that_is_not_yours_any_more_is_404_whatever_the_tag(portal):
    client, path = portal.client("member"), f"/appliances/{portal.world.appliance}"
    tag = tag_of(client, path)
    with portal.services.database.writing() as session:
        row = session.scalars(
            select(Membership).where(Membership.user_id == user(session, "member").id)
        ).one()
        row.state = "withdrawn"
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 404


def test_what_moves_and_what_rests_are_told_apart(portal):
    client, path = portal.browser("member"), f"/appliances/{portal.world.appliance}/live"
    moving = client.get(path)
    assert "every 2s" in moving.text
    with portal.services.database.writing() as session:
        session.scalars(
            select(Appliance).where(Appliance.uuid == portal.world.appliance)
        ).one().due_at = None
    resting = client.get(path, headers={"If-None-Match": moving.headers["etag"]})
    assert resting.status_code == 200
    assert "every 15s" in resting.text


def test_a_new_uid_is_a_new_tag(portal):
    client, path = portal.client("member"), f"/organisations/{portal.world.organisation}"
    tag = client.get(path).headers["etag"]
    with portal.services.database.writing() as session:
        admin = user(session, "admin")
        refresh_user(session, admin, Person("x", "admin2", admin.name, admin.mail), NOW)
    after = client.get(path, headers={"If-None-Match": tag})
    assert after.status_code == 200
    assert "admin2" in after.text


def test_another_administrator_makes_more_possible(portal):
    with portal.services.database.reading() as session:
        admin = session.scalars(
            select(Membership).where(Membership.user_id == user(session, "admin").id)
        ).one()
    client, path = portal.client("admin"), f"/memberships/{admin.uuid}"
    alone = client.get(path)
    assert "_templates" not in alone.json()
    assert "the only administrator" in portal.browser("admin").get(path).text
    with portal.services.database.writing() as session:
        other = session.scalars(
            select(Membership).where(Membership.user_id == user(session, "member").id)
        ).one()
        other.role, other.version = "admin", other.version + 1
    after = client.get(path, headers={"If-None-Match": alone.headers["etag"]})
    assert set(after.json()["_templates"]) == {"set-role", "withdraw"}
    assert (
        client.use(after.json()["_templates"]["set-role"], role="member")
        .headers["location"]
        .endswith("/")
    )


def test_the_small_queries_use_their_indices(portal):
    """Cost must not grow with what other organisations have, nor with what is deleted."""
    plans = []

    def note(connection, cursor, statement, parameters, context, many):
        if statement.startswith("SELECT"):
            explain = f"EXPLAIN QUERY PLAN {statement}"
            plans.extend(connection.connection.driver_connection.execute(explain, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        for path in (
            f"/organisations/{portal.world.organisation}",
            f"/appliances/{portal.world.appliance}",
            f"/organisations/{portal.world.organisation}/catalogue/{portal.world.item}",
            f"/memberships/{portal.world.invitation}",
            "/account",
            "/",
        ):
            assert portal.client("admin").get(path).status_code == 200
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    steps = [plan[-1] for plan in plans]
    assert any("ix_appliances_organisation_id_present" in step for step in steps)
    scans = {step for step in steps if step.startswith("SCAN") and "USING" not in step}
    assert scans <= {"SCAN installation", "SCAN CONSTANT ROW", "SCAN anon_1"}, "of one row each"


def test_a_new_name_is_a_new_tag_wherever_it_stands(portal):
    world, client = portal.world, portal.client("member")
    with portal.services.database.writing() as session:
        admin = user(session, "admin")
        appliance = session.query(Appliance).filter_by(uuid=world.appliance).one()
        commands.rename(session, admin, appliance, commands.Rename(label="new"), NOW)
    paths = [f"/organisations/{world.organisation}", f"/appliances/{world.appliance}"]
    tags = {path: client.get(path).headers["etag"] for path in paths}
    with portal.services.database.writing() as session:
        admin = user(session, "admin")
        refresh_user(session, admin, Person("x", admin.uid, "Ada Newname", admin.mail), NOW)
    for path in paths:
        after = client.get(path, headers={"If-None-Match": tags[path]})
        assert after.status_code == 200, path
        assert "Ada Newname" in after.text
