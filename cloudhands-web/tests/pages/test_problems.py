"""The types of problems: one table, one page each."""

import re

import pytest
from pyramid import httpexceptions

from cloudhands.common.errors import Refused
from cloudhands.web.http.problem_types import TYPES, of_status
from cloudhands.web.http.problems import REFUSALS


@pytest.fixture
def portal(shared_portal):
    return shared_portal


def test_each_type_has_a_page_and_a_document(portal):
    client, browser = portal.client(), portal.browser()
    for name, problem in TYPES.items():
        document = client.document(f"/problems/{name}")
        assert (document["title"], document["status"]) == (problem.title, problem.status)
        assert (document["meaning"], document["remedy"]) == (problem.meaning, problem.remedy)
        page = browser.get(f"/problems/{name}")
        assert page.status_code == 200
        assert f"Status {problem.status}" in page.text


def test_the_index_names_all(portal):
    listed = portal.client().document("/problems")["_embedded"]["item"]
    assert [one["name"] for one in listed] == list(TYPES)
    page = portal.browser().get("/problems").text
    assert re.findall(r'href="/problems/([^"]+)"', page) == list(TYPES)


def test_an_unknown_type(portal):
    for path in ("/problems/nonsense", "/problems/", "/problems/%2e%2e"):
        assert portal.client().get(path).status_code == 404


def test_names_are_words_and_statuses_are_errors():
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in TYPES)
    assert all(400 <= problem.status < 600 for problem in TYPES.values())
    assert [one.status for one in TYPES.values()] == sorted(one.status for one in TYPES.values())


def test_every_refusal_is_of_a_type():
    assert set(REFUSALS) == set(Refused.__subclasses__())
    assert set(REFUSALS.values()) <= set(TYPES)


def test_every_http_error_is_of_a_type():
    named = {problem.status for problem in TYPES.values()}
    for status in filter(lambda status: status >= 400, httpexceptions.status_map):
        general = 400 if status < 500 else 500
        assert of_status(status).status == (status if status in named else general)


def test_of_types_with_one_status_a_bare_error_is_the_general_one():
    assert of_status(403).name == "forbidden"
    assert of_status(409).name == "conflict"
