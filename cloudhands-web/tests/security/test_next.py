"""After signing in a person is where they wanted to go, and never elsewhere."""

from urllib.parse import urlsplit

import pytest

from cloudhands.web.testing import PASSWORD


def sign_in(browser, wanted):
    values = {"uid": "admin", "password": PASSWORD, "next": wanted}
    return browser.post("/sign-in", data=values)


def test_who_asks_for_a_page_gets_it_after_signing_in(portal):
    browser, wanted = portal.browser(), f"/appliances/{portal.world.appliance}?x=1&y=%C3%A9"
    asked = browser.get(wanted)
    assert asked.status_code == 303
    form = browser.get(asked.headers["location"])
    assert f'name="next" value="{wanted.replace("&", "&amp;")}"' in form.text
    wrong = browser.post("/sign-in", data={"uid": "admin", "password": "x", "next": wanted})
    assert f'name="next" value="{wanted.replace("&", "&amp;")}"' in wrong.text, "kept"
    answer = sign_in(browser, wanted)
    assert answer.headers["location"] == f"http://portal.test{wanted}"
    assert browser.get(asked.headers["location"]).headers["location"].endswith(wanted)


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example/",
        "/\\evil.example/",
        "https://evil.example/",
        "evil.example",
        "javascript:alert(1)",
        "/\nSet-Cookie: x=y",
        "/\t/evil.example",
        " //evil.example",
        "/日本語",
        "",
    ],
)
def test_nobody_is_sent_elsewhere(portal, wanted):
    browser = portal.browser()
    location = sign_in(browser, wanted).headers["location"]
    assert urlsplit(location)[:3] == ("http", "portal.test", "/")
    again = browser.get("/sign-in", params={"next": wanted})
    assert urlsplit(again.headers["location"])[:3] == ("http", "portal.test", "/")


def test_a_form_of_plain_http_is_none_of_ours_behind_tls(portal):
    browser = portal.client(accept="text/html")
    browser.base_url = "https://portal.test"
    for origin, status in (("http://portal.test", 403), ("https://portal.test", 303)):
        browser.headers["Origin"] = origin
        assert sign_in(browser, "").status_code == status, origin


def test_a_long_address_is_kept(portal):
    wanted = "/people?q=" + "x" * 5_000
    assert sign_in(portal.browser(), wanted).headers["location"].endswith(wanted)
    no_page = "/" + "x" * 8_000
    assert sign_in(portal.browser(), no_page).headers["location"] == "http://portal.test/"


def test_a_form_that_was_opened_before_somebody_signed_in(portal):
    browser = portal.browser("member")
    assert sign_in(browser, "").status_code == 303
    assert "Admin" in browser.get("/").text
