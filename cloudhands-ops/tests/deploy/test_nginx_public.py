"""What nginx keeps for everybody."""

import time

import pytest

from cloudhands.ops.deploy.testing_app import BROWSER, HAL_FORMS, LONG, SESSION, STALE_SECONDS


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
