"""A client that knows the words of the portal, and no path but `/`, does the main job."""

import functools
import inspect
import time

import httpx
import pytest

from cloudhands.common.testing import people
from cloudhands.ops.demo import configuration, directory, keys, setup
from cloudhands.ops.demo.testing import demonstration


class Walker:
    """One person, who follows relations and fills in templates.

    It starts at `/`. `here` is the resource that it is at.
    """

    ACCEPT = "application/prs.hal-forms+json"

    def __init__(self, http):
        self._http = http
        http.headers["Accept"] = self.ACCEPT
        self.front()

    def front(self):
        return self._get("/")

    def follow(self, rel, title=None, **variables):
        """Go along a link; a templated one takes its variables (RFC 6570)."""
        links = self.here["_links"][rel]
        links = links if isinstance(links, list) else [links]
        (link, *_) = [one for one in links if title in (None, one["title"])]
        href, _, names = link["href"].partition("{?")
        query = {name: variables[name] for name in names.rstrip("}").split(",") if name}
        return self._get(href, query)

    def held(self, rel, **values):
        """What is held here by a relation, and has these values."""
        found = self.here.get("_embedded", {}).get(rel, [])
        return [one for one in found if values.items() <= one.items()]

    def enter(self, rel, /, **values):
        """Go to the first of what is held here."""
        self.here = self.held(rel, **values)[0]
        return self.follow("self") if "self" in self.here.get("_links", {}) else self.here

    def use(self, key, /, **values):
        """Fill in a template and go where the answer leads."""
        template = self.here["_templates"][key]
        properties = {one["name"]: one for one in template["properties"]}
        body = {name: one["value"] for name, one in properties.items() if "value" in one}
        missing = {n for n, one in properties.items() if one.get("required")} - {*body, *values}
        assert not missing, f"{key} also wants {missing}"
        answer = self._http.request(template["method"], template["target"], json=body | values)
        assert answer.status_code in (201, 303), answer.text
        return self._get(answer.headers["Location"])

    def again(self):
        """Look at the same resource, if it changed."""
        return self.follow("self")

    def until(self, true, seconds=40):
        """Look again until something is so."""
        deadline = time.monotonic() + seconds
        while not true(self.again()):
            assert time.monotonic() < deadline, self.here
            time.sleep(0.1)
        return self.here

    def _get(self, href, query=None):
        answer = self._http.get(href, params=query)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"].startswith(self.ACCEPT)
        self.here = answer.json()
        return self.here


@pytest.fixture
def demo():
    with demonstration() as made:
        assert made.run("up", "--port", str(made.port)).returncode == 0
        yield made


def test_the_client_is_small_and_knows_no_path():
    source = inspect.getsource(Walker)
    assert len(source.splitlines()) <= 100
    words = [part.partition('"')[0] for part in source.split('"/')[1:]]
    assert words == [""], "the front page alone"


def test_the_main_job_by_words_alone(demo):
    address = configuration.address(demo.port)
    client = functools.partial(httpx.Client, base_url=address, trust_env=False, timeout=20)
    with client() as first, client() as second:
        main_job(demo, Walker(first), Walker(second))


def main_job(demo, pi, researcher):
    administrator, colleague = setup.administrator(demo.place), people.COLLEAGUE
    join(pi, administrator, researcher, colleague)
    launched = [launch(researcher, f"by words {number}") for number in range(5)]
    for appliance in launched:
        researcher.here = appliance
        running = researcher.until(lambda one: one["state"] == "running")
        assert running["addresses"]
    providers = {one["provider"] for one in (look(researcher, one) for one in launched)}
    assert providers == {"private", "public"}, "the private cloud holds four"
    change(researcher, launched[0])
    leave(pi, researcher, colleague[0])


def join(pi, administrator, researcher, colleague):
    uid, given, family = colleague
    pi.use("sign-in", uid=administrator.uid, password=administrator.password)
    pi.follow("ch:organisation", title=setup.ORGANISATION_TITLE)
    pi.follow("ch:people", q=f"{given[:3]} {family}")
    pi.enter("item", uid=uid)
    assert pi.use("invite", role="member")["state"] == "invited"
    researcher.use("sign-in", uid=uid, password=directory.PASSWORD)
    researcher.enter("ch:invitations", organisation=setup.ORGANISATION_TITLE)
    assert researcher.use("accept")["title"] == setup.ORGANISATION_TITLE
    researcher.front()
    researcher.follow("ch:account")
    kept = researcher.use("add-key", label="laptop", key=keys.new_line(uid))
    assert [one["label"] for one in kept["_embedded"]["ch:authorized-keys"]] == ["laptop"]


def launch(researcher, label):
    researcher.front()
    researcher.follow("ch:organisation", title=setup.ORGANISATION_TITLE)
    researcher.follow("ch:catalogue")
    researcher.enter("item", title="Analysis desktop")
    return researcher.use("launch", label=label, size="small")


def look(researcher, resource):
    researcher.here = resource
    return researcher.again()


def change(researcher, appliance):
    look(researcher, appliance)
    for key, state in (("stop", "stopped"), ("start", "running")):
        researcher.use(key)
        researcher.until(lambda one, state=state: one["state"] == state)
    researcher.follow("edit-form")
    renamed = researcher.use("rename", label="renamed by words")
    assert renamed["label"] == "renamed by words"
    researcher.use("delete")
    gone = researcher.until(lambda one: one["state"] == "deleted")
    assert "_templates" not in gone
    states = [one["to"] for one in researcher.held("ch:history") if one["to"]]
    assert states[-3:] == ["running", "provisioning", "requested"]
    assert states[0] == "deleted"


def leave(pi, researcher, uid):
    pi.front()
    pi.follow("ch:organisation", title=setup.ORGANISATION_TITLE)
    pi.here = pi.held("ch:members", uid=uid)[0]
    pi.follow("edit-form")
    assert pi.use("set-role", role="admin")["role"] == "admin"
    assert pi.use("withdraw")["state"] == "withdrawn"
    assert "ch:organisation" not in researcher.front()["_links"]
    assert "sign-in" in researcher.use("sign-out")["_templates"]
