"""Signing in with a local password and through a real directory."""

import dataclasses
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from cloudhands.common.account.tables import PortalSession
from cloudhands.common.actor.tables import User
from cloudhands.common.testing import directories
from cloudhands.common.testing.people import COLLEAGUE
from cloudhands.web.http.cookies import SESSION_COOKIE
from cloudhands.web.testing import PASSWORD, Portal

UID, NAME = COLLEAGUE[0], " ".join(COLLEAGUE[1:])


@pytest.fixture
def ldap_portal(portal, any_directory):
    """A portal that signs in through a directory, once for each kind of it."""
    settings = portal.services.settings.model_copy(update={"directory": any_directory})
    services = dataclasses.replace(portal.services, settings=settings)
    return Portal(services, portal.world, portal.time)


def sign_in(client, uid, password):
    return client.use(client.document("/")["_templates"]["sign-in"], uid=uid, password=password)


def test_a_local_password(portal):
    client = portal.client()
    answer = sign_in(client, "admin", PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "http://portal.test/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert client.document("/")["name"] == "Admin"


def test_the_cookie_is_not_in_the_database(portal):
    client = portal.client()
    sign_in(client, "admin", PASSWORD)
    with portal.services.database.reading() as session:
        kept = session.scalars(select(PortalSession.cookie_digest)).all()
    assert len(kept) == 1
    assert client.cookies[SESSION_COOKIE] not in kept


def test_an_ended_session_is_nobodys(portal):
    client = portal.client("admin")
    assert client.document("/")["name"] == "Admin"
    portal.time[0] += timedelta(hours=2)
    assert "sign-in" in client.document("/")["_templates"]


def test_signing_out_ends_the_session_on_the_server(portal):
    client = portal.client("admin")
    cookie = client.cookies[SESSION_COOKIE]
    assert client.use(client.document("/")["_templates"]["sign-out"]).status_code == 303
    again = portal.client()
    again.cookies.set(SESSION_COOKIE, cookie, domain="portal.test")
    assert "sign-in" in again.document("/")["_templates"]


def test_a_new_sign_in_ends_the_session_before(portal):
    client = portal.client("admin")
    before = client.cookies[SESSION_COOKIE]
    token = client.token()
    body = {"uid": "admin", "password": PASSWORD, "csrf_token": token}
    assert client.post("/sign-in", json=body).status_code == 303
    again = portal.client()
    again.cookies.set(SESSION_COOKIE, before, domain="portal.test")
    assert "sign-in" in again.document("/")["_templates"]


def test_a_made_up_cookie_is_nobodys(portal):
    client = portal.client()
    client.cookies.set(SESSION_COOKIE, "made-up", domain="portal.test")
    assert "sign-in" in client.document("/")["_templates"]


def test_a_person_of_the_directory(ldap_portal):
    for uid in (UID, UID.upper()):
        client = ldap_portal.client()
        assert sign_in(client, uid, directories.PASSWORD).status_code == 303
        assert client.document("/")["name"] == NAME
    with ldap_portal.services.database.reading() as session:
        count = session.scalar(select(func.count()).where(User.uid == UID))
    assert count == 1


@pytest.mark.parametrize("password", ["wrong", " ", "x" * 1024])
def test_a_wrong_password_of_the_directory(ldap_portal, password):
    answer = sign_in(ldap_portal.client(), UID, password)
    assert answer.status_code == 422
    assert "User name or password is wrong." in answer.text


def test_a_local_account_is_not_asked_of_the_directory(ldap_portal):
    assert sign_in(ldap_portal.client(), "admin", PASSWORD).status_code == 303
    assert sign_in(ldap_portal.client(), "admin", directories.PASSWORD).status_code == 422


def test_a_uid_that_another_account_holds_is_refused(ldap_portal):
    with ldap_portal.services.database.writing() as session:
        session.scalars(select(User).where(User.uid == "member")).one().uid = UID
    answer = sign_in(ldap_portal.client(), UID, directories.PASSWORD)
    assert answer.status_code == 422


def test_a_directory_that_is_down(ldap_portal):
    away = ldap_portal.services.settings.directory.model_copy(update={"url": "ldap://127.0.0.1:1"})
    settings = ldap_portal.services.settings.model_copy(update={"directory": away})
    services = dataclasses.replace(ldap_portal.services, settings=settings)
    portal = Portal(services, ldap_portal.world, ldap_portal.time)
    answer = sign_in(portal.client(), UID, directories.PASSWORD)
    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/unavailable"
    assert sign_in(portal.client(), "admin", PASSWORD).status_code == 303
