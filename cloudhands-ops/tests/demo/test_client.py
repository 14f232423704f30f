import json

import httpx
import pytest

from cloudhands.ops.demo import client
from cloudhands.ops.demo.client import Client, Lost, Problem, Resource, Unexpected

ADDRESS = "http://portal.example/"


class Portal:
    """A portal with one collection: POST adds to it. It fails as it is told to, in turn."""

    def __init__(self, *faults):
        self.faults = list(faults)
        self.items = []
        self.bodies = []

    def __call__(self, request):
        fault = self.faults.pop(0) if request.method == "POST" and self.faults else ""
        if fault == "before":
            raise httpx.ConnectError("refused")
        if request.method == "POST":
            self.bodies.append(json.loads(request.content))
            self.items.append({"label": self.bodies[-1]["label"]})
        if fault == "after":
            raise httpx.ReadError("")
        if fault.isdigit():
            return httpx.Response(int(fault), json={"detail": "No.", "errors": {"label": "Long."}})
        if request.method == "POST":
            return httpx.Response(201, headers={"Location": "/"})
        return httpx.Response(
            200, json=self.document(), headers={"Content-Type": client.MEDIA_TYPE}
        )

    def document(self):
        properties = [
            {"name": "label", "value": "Untitled"},
            {"name": "csrf_token", "value": "token", "readOnly": True},
            {"name": "comment"},
        ]
        return {
            "title": "Things",
            "_links": {
                "self": {"href": "/", "title": "Things"},
                "item": [{"href": "/1", "title": "One"}, {"href": "/2", "title": "Two"}],
            },
            "_embedded": {"item": self.items},
            "_templates": {"add": {"method": "POST", "target": "/", "properties": properties}},
        }


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(client, "PAUSE_SECONDS", 0)


def using(portal):
    return Client(ADDRESS, httpx.MockTransport(portal))


def add(one, label="New"):
    def done():
        front = one.front()
        return front if any(item["label"] == label for item in front.embedded("item")) else None

    return one.submit(one.front, "add", {"label": label}, done)


@pytest.mark.parametrize(
    "faults",
    [(), ("before",), ("after",), ("before", "before", "after"), ("before", "before", "")],
)
def test_a_submission_takes_effect_exactly_once_whatever_is_lost(faults):
    portal = Portal(*faults)
    with using(portal) as one:
        front = add(one)
    assert [item["label"] for item in front.embedded("item")] == ["New"]
    assert portal.items == [{"label": "New"}]


@pytest.mark.parametrize("status", ["502", "503"])
def test_a_portal_that_is_away_for_a_while_is_waited_for(status):
    portal = Portal(status)
    with using(portal) as one:
        add(one)
    assert len(portal.items) == 1


def test_patience_ends(monkeypatch):
    monkeypatch.setattr(client, "PATIENCE_SECONDS", 0)

    def nobody(request):
        raise httpx.ConnectError("refused")

    with using(nobody) as one, pytest.raises(Lost, match="refused"):
        one.front()


def test_what_the_template_starts_with_is_sent_and_what_is_given_goes_over_it():
    portal = Portal()
    with using(portal) as one:
        add(one)
    assert portal.bodies == [{"label": "New", "csrf_token": "token"}]


def test_a_refusal_is_told_with_its_fields_and_not_repeated():
    portal = Portal("422")
    with using(portal) as one, pytest.raises(Problem, match=r"422: No\.; Long\.") as refusal:
        add(one)
    assert refusal.value.status == 422
    assert len(portal.bodies) == 1


def test_an_error_that_is_no_problem_document_is_told_by_its_status():
    with (
        using(lambda request: httpx.Response(500, text="<h1>Oops</h1>")) as one,
        pytest.raises(Problem, match="500: Internal Server Error"),
    ):
        one.front()


def test_html_is_not_what_was_asked_for():
    with (
        using(lambda request: httpx.Response(200, html="<p>Hello</p>")) as one,
        pytest.raises(Unexpected, match="text/html"),
    ):
        one.front()


def test_a_templated_link_is_filled_in():
    seen = []

    def portal(request):
        seen.append(str(request.url))
        return httpx.Response(200, json={}, headers={"Content-Type": client.MEDIA_TYPE})

    with using(portal) as one:
        one.get("/people{?q}", q="a & b")
    assert seen == ["http://portal.example/people?q=a+%26+b"]


def test_what_a_resource_does_not_have_is_named():
    resource = Resource(Portal().document())
    assert resource.link("item", "Two") == "/2"
    assert resource.link("self") == "/"
    for look, named in (
        (lambda: resource["colour"], "colour"),
        (lambda: resource.link("up"), "up"),
        (lambda: resource.link("item", "Three"), "Three"),
        (lambda: resource.template("remove"), "remove"),
    ):
        with pytest.raises(Unexpected, match=named):
            look()
