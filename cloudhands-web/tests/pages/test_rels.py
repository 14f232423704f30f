"""The vocabulary: what the portal uses is documented, and what is documented is used."""

from collections import defaultdict
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import select

from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.testing.factories import Factory
from cloudhands.web.http.hal import CURIES
from cloudhands.web.pages.rels.relations import IANA, PREFIX, RELATIONS
from cloudhands.web.pages.rels.template_keys import TEMPLATES
from cloudhands.web.testing import able_to_change, user

VIEWERS = ("", "admin", "member", "invitee", "stranger")
# Search for a person who is there; what follows a link finds somebody to invite.
QUERY = "?q=grace"


class Crawl:
    """Follows every link of every page and keeps the words that they use.

    `members` has, by relation, what the resources behind it tell.
    """

    def __init__(self, client):
        self.client = client
        self.relations, self.templates = set(), set()
        self.members = defaultdict(set)
        self._visited = set()

    def visit(self, href, relation=None):
        path = href.replace("{?q}", QUERY)
        if path in self._visited:
            return
        self._visited.add(path)
        self._read(self.client.document(path), relation)

    def _read(self, document, relation):
        if relation:
            self.members[relation] |= {
                name for name in document if name != "title" and not name.startswith("_")
            }
        self.templates |= set(document.get("_templates", ()))
        for rel, items in document.get("_embedded", {}).items():
            self.relations.add(rel)
            for one in items:
                self._read(one, rel)
        self._follow(document.get("_links", {}), relation)

    def _follow(self, links, relation):
        for rel, found in links.items():
            self.relations.add(rel)
            if rel == "curies":
                continue
            for link in found if isinstance(found, list) else [found]:
                self.visit(link["href"], relation if rel == "self" else rel)


@pytest.fixture
def crawls(portal):
    """What each viewer finds; the appliances are in every state that offers something."""
    in_every_state(portal)
    crawls = [Crawl(portal.client(uid)) for uid in VIEWERS]
    for crawl in crawls:
        crawl.visit("/")
        crawl.visit("/rels")
    return crawls


def in_every_state(portal):
    with portal.services.database.writing() as session:
        make = Factory(session, portal.time[0] - timedelta(days=1))
        owner = user(session, "member")
        query = select(Organisation).where(Organisation.uuid == portal.world.organisation)
        organisation = session.scalars(query).one()
        for state, goal in (("running", "running"), ("stopped", "stopped"), ("failed", "running")):
            appliance = make.appliance(organisation, owner, state, lifetime_days=30)
            appliance.state, appliance.goal = state, goal
            appliance.seen_generation = appliance.generation  # cloud-burst has seen to it
            able_to_change(session, appliance)
        make.asking(organisation, owner, "waiting")


def joined(crawls, words):
    return set().union(*(getattr(crawl, words) for crawl in crawls))


def test_every_relation_of_a_page_is_documented_and_the_other_way_round(crawls):
    documented = {one.curie for one in RELATIONS.values()} | set(IANA)
    assert joined(crawls, "relations") == documented


def test_every_template_of_a_page_is_documented_and_the_other_way_round(crawls):
    released = {key for key, template in TEMPLATES.items() if template.is_released}
    assert joined(crawls, "templates") == released


def test_every_member_of_a_resource_is_documented_and_the_other_way_round(crawls):
    for relation in RELATIONS.values():
        found = set().union(*(crawl.members[relation.curie] for crawl in crawls))
        assert found == set(relation.members), relation.name


def test_the_templates_are_those_that_the_design_names():
    assert " ".join(TEMPLATES) == (
        "sign-in sign-out launch start stop reboot resize delete retry extend rename invite resend "
        "accept withdraw approve set-role add-key remove-key"
    )


def test_the_curie_leads_to_each_relation(portal):
    (curie,) = CURIES
    for name, relation in RELATIONS.items():
        path = curie["href"].replace("{rel}", name)
        assert portal.client().document(path)["relation"] == PREFIX + name
        page = portal.browser().get(path)
        assert page.status_code == 200
        assert relation.meaning in unescape(page.text)


def test_the_index_names_every_relation_template_media_type_and_header(portal):
    document, page = portal.client().document("/rels"), portal.browser().get("/rels").text
    assert {one["relation"] for one in document["_embedded"]["item"]} == {
        one.curie for one in RELATIONS.values()
    }
    shown = {one["key"]: one["released"] for one in document["templates"]}
    assert shown == {key: template.is_released for key, template in TEMPLATES.items()}
    assert "application/problem+json" in document["media_types"]
    assert {"If-Match", "Idempotency-Key"} <= set(document["headers"])
    assert "Paging" in document["notes"]
    for word in (*shown, *IANA, *document["media_types"], *document["headers"]):
        assert f"<code>{word}</code>" in page
    assert page.count("Not in this release.") == list(shown.values()).count(False)


def test_an_unknown_relation(portal):
    for path in ("/rels/nonsense", "/rels/ch:account", "/rels/%00", "/rels/"):
        answer = portal.client().get(path, headers={"If-None-Match": "*"})
        assert answer.status_code == 404, path
        assert answer.json()["type"] == "/problems/not-found"


def test_anybody_may_read_it_and_caches_may_keep_it(portal):
    for path in ("/rels", "/rels/account", "/problems", "/problems/conflict"):
        answer = portal.client().get(path)
        assert answer.headers["cache-control"].startswith("public, max-age="), path
        assert "set-cookie" not in answer.headers
        tag = answer.headers["etag"]
        again = portal.client().get(path, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert portal.client("member").get(path).headers["cache-control"].startswith("private")
