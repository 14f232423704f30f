"""`cloud-admin reconcile` and `cloud-admin appliance`, with a simulated cloud."""

import json
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from sqlalchemy import select

from cloudhands.burst.providers.simulated.adapter import SimulatedCloud
from cloudhands.burst.providers.simulated.options import Options
from cloudhands.common import history, observing
from cloudhands.common.actor.commands import installation
from cloudhands.common.actor.tables import User
from cloudhands.common.address import commands as addresses
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.cloud import Identity, ServerSpec
from cloudhands.common.db import Database
from cloudhands.common.limits import reserve
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.queries import by_name, subscription_to
from cloudhands.common.provider.tables import Subscription
from cloudhands.common.testing.databases import put_key, short_lived
from cloudhands.common.testing.factories import NOON, Factory
from cloudhands.ops.admin.main import main
from cloudhands.ops.testing_admin import Terminal

CLOUDS = """
[providers.private]
kind = "simulated"
label = "Private cloud"
settle = 0
[providers.private.options]
file = "private.db"
images = ["debian-12"]
sizes = ["m1.small"]
boot_seconds = 0
stop_seconds = 0
delete_seconds = 0
[providers.public]
kind = "simulated"
label = "Public cloud"
[providers.public.options]
file = "public.db"
images = ["debian-12"]
sizes = ["m1.small"]
"""
OPTIONS = Options(
    file="private.db",
    images=("debian-12",),
    sizes=("m1.small",),
    boot_seconds=0,
    stop_seconds=0,
    delete_seconds=0,
)
NOWHERE = UUID(int=7)


@dataclass
class Place:
    """A database, a cloud, and who asks about them."""

    folder: object
    database: Database
    capsys: pytest.CaptureFixture
    cloud: SimulatedCloud = field(init=False)
    installation: str = field(init=False)

    def __post_init__(self):
        self.cloud = SimulatedCloud(OPTIONS, self.folder)
        with self.database.writing() as session:
            make = Factory(session)
            self.organisation = make.organisation().id
            session.flush()
            self.installation = str(installation(session).uuid)
            self.used = subscription_to(session, self.organisation, "private").id
            self.owner = make.member(by_id(session, self.organisation)).id

    def admin(self, *argv):
        """Run a command; its exit status and what it printed."""
        status = main(["--config", str(self.folder / "cloudhands.toml"), *map(str, argv)])
        told = self.capsys.readouterr()
        return status, told.out + told.err

    def server(self, uuid, generation=1):
        identity = Identity(self.installation, str(uuid), generation)
        return self.cloud.create(ServerSpec(identity, "one", "debian-12", "m1.small")).id

    def running(self, server=True):
        """An appliance that runs as far as is known; its uuid."""
        with self.database.writing() as session:
            make = Factory(session)
            appliance = make.appliance(
                by_id(session, self.organisation), make.session.get_one(User, self.owner)
            )
            provider = by_name(session, "private")
            reserve(session, Subscription, self.used, appliance.share, "it")
            appliance.state, appliance.provider_id = "running", provider.id
            appliance.seen_size, appliance.due_at = appliance.size, None
            id_ = self.server(appliance.uuid) if server else "s-lost"
            node = Node(
                appliance_id=appliance.id,
                generation=1,
                provider_id=provider.id,
                server_id=id_,
                made_at=NOON,
                asked_at=NOON,
            )
            session.add(node)
            session.flush()
            if server:
                addresses.hold(session, node, self.cloud.observe(id_).addresses, NOON)
            return appliance.uuid

    def ended(self):
        """An appliance whose node has ended."""
        uuid = self.running(server=False)
        with self.database.writing() as session:
            appliance = session.scalars(select(Appliance).where(Appliance.uuid == uuid)).one()
            appliance.nodes[0].ended_at = NOON
            appliance.state = "failed"
        return uuid

    def servers(self):
        return {server.id for server in self.cloud.listed(self.installation).servers}

    def due(self):
        with self.database.reading() as session:
            query = select(Appliance.uuid).where(Appliance.due_at.is_not(None))
            return set(session.scalars(query))

    def whys(self):
        with self.database.reading() as session:
            return [each.why for each in history.latest(session, by_name(session, "private").uuid)]


def by_id(session, id_):
    return session.get_one(Organisation, id_)


@pytest.fixture
def place(tmp_path, database_url, capsys):
    put_key(tmp_path / "server.key")
    text = f'state = "{tmp_path}"\n[database]\nurl = "{database_url}"\n{CLOUDS}'
    (tmp_path / "cloudhands.toml").write_text(text, encoding="utf-8")
    with short_lived(database_url) as database:
        yield Place(tmp_path, database, capsys)


def test_what_differs_is_listed_then_mended(place):
    lost, ended = place.running(server=False), place.ended()
    unknown, late = place.server(NOWHERE), place.server(ended)
    status, out = place.admin("reconcile", "--dry-run")
    assert status == 1
    assert f"appliance {lost} (running): its server s-lost does not exist any more" in out
    assert f"server {late} (running) of appliance {ended}, generation 1, which has ended" in out
    assert f"server {unknown} (running) of appliance {NOWHERE}, generation 1, which nothing" in out
    assert "Mended: 0. Differences that remain: 3." in out
    assert (place.servers(), place.due()) == ({unknown, late}, set())
    status, out = place.admin("reconcile", "--yes")
    assert (status, place.servers()) == (0, set())
    assert place.due() == {lost, ended}, "what was seized meanwhile is looked at, too"
    assert "Mended: 3. Differences that remain: 0." in out
    assert sum(why.startswith("an operator removed there: server") for why in place.whys()) == 2
    # What was made due differs until cloud-burst has looked at it.
    assert place.admin("reconcile", "--provider", "public")[0] == 0


def test_nothing_differs(place):
    place.running()
    status, out = place.admin("reconcile")
    assert (status, "The clouds are as they should be." in out) == (0, True)


def test_each_kind_is_asked_for(place, monkeypatch):
    late, unknown = place.server(place.ended()), place.server(NOWHERE)
    assert place.admin("reconcile")[0] == 1, "nobody is there to ask"
    asked = []

    def answered(question):
        asked.append(question)
        if question.startswith("Delete what is left"):
            return "y"
        raise EOFError  # who ends the input has not confirmed

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("builtins.input", answered)
    status, out = place.admin("reconcile", "--provider", "private")
    assert (status, place.servers()) == (1, {unknown})
    assert late not in place.servers()
    assert [question.rpartition(" (")[2] for question in asked] == ["1)? [y/N] "] * 2
    assert "Mended: 1. Differences that remain: 1." in out


def test_while_observing_it_says_so(place):
    with place.database.writing() as session:
        observing.begin(session)
    lost = place.running(server=False)
    status, out = place.admin("reconcile", "--yes")
    assert (status, place.due()) == (0, {lost})
    assert "cloud-burst only observes" in out


def test_as_json(place):
    place.server(NOWHERE)
    status, out = place.admin("reconcile", "--dry-run", "--json")
    told = json.loads(out)
    assert (status, told["observing"], told["unreached"]) == (1, False, {})
    (found,) = told["differences"]
    assert (found["kind"], found["provider"], found["mended"]) == ("unknown", "private", False)


def test_a_cloud_that_does_not_answer_remains(place):
    place.server(NOWHERE)
    (place.folder / "private.faults.json").write_text('{"denied": true}', encoding="utf-8")
    status, out = place.admin("reconcile", "--yes")
    assert status == 1
    assert "private: could not be looked at: the cloud refuses the credentials." in out
    assert len(place.servers()) == 1


def test_a_provider_that_is_not_set_up_leaves_the_others(place):
    place.server(NOWHERE)
    wrong = "providers.public.options.images=none"
    status, out = place.admin("--set", wrong, "reconcile", "--dry-run", "--json")
    told = json.loads(out)
    assert (status, len(told["differences"])) == (1, 1)
    assert told["unreached"]["public"].startswith("providers.public.options.images: Input should")


def test_another_provider(place):
    status, out = place.admin("reconcile", "--provider", "moon")
    assert status == 1
    assert "There is no provider moon; the settings define: private, public." in out


def test_abandon_and_write_off(place):
    uuid = place.running()
    status, out = place.admin("appliance", "abandon", uuid, "--reason", "the rack burnt")
    assert (status, "is abandoned." in out) == (0, True)
    assert place.due() == {uuid}
    status, out = place.admin("reconcile")
    assert (status, "it is there still" in out) == (0, True)
    (server,) = place.servers()
    place.cloud.delete(server)
    status, out = place.admin("reconcile")
    assert (status, f"it is gone. To mend: cloud-admin appliance write-off {uuid}" in out) == (
        0,
        True,
    )
    assert place.admin("appliance", "write-off", uuid, "--json")[0] == 0
    with place.database.reading() as session:
        assert session.get_one(Subscription, place.used).appliances_used == 0
    status, out = place.admin("appliance", "write-off", uuid)
    assert (status, "Nothing of" in out) == (1, True)


@pytest.mark.parametrize("verb", ["abandon", "write-off"])
@pytest.mark.parametrize(
    ("uuid", "words"), [("nonsense", "'nonsense' is no uuid"), (NOWHERE, "There is no appliance")]
)
def test_what_cannot_be_abandoned(upgraded, capsys, verb, uuid, words):
    more = ["--reason", "because"] if verb == "abandon" else []
    assert upgraded("appliance", verb, uuid, *more) == 1
    assert words in capsys.readouterr().err
