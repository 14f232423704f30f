"""The portal for tests: the real application over a small world, asked by a real HTTP client.

The application runs in the test's own process (httpx's WSGI transport); what needs a port or a
browser serves the same `Portal` under waitress.
"""

import functools
import shutil
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
from argon2 import PasswordHasher
from pyramid.config import Configurator
from sqlalchemy.orm import Session

from cloudhands.common import settings
from cloudhands.common.account import keys
from cloudhands.common.account.sessions import open_session
from cloudhands.common.account.tables import Password
from cloudhands.common.actor.queries import user_by_uid
from cloudhands.common.actor.tables import User
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.cloud import Capabilities
from cloudhands.common.db import Database
from cloudhands.common.membership import commands as memberships
from cloudhands.common.person import Person
from cloudhands.common.provider.commands import provider, tell_capabilities
from cloudhands.common.site import Site
from cloudhands.common.testing.databases import SECRET, short_lived
from cloudhands.common.testing.factories import KEY, PROVIDERS, Factory, person
from cloudhands.common.testing.postgresql import PostgreSQL
from cloudhands.common.testing.reusing import Reused
from cloudhands.web.app import configure
from cloudhands.web.http.cookies import SESSION_COOKIE
from cloudhands.web.http.fields import CSRF_TOKEN
from cloudhands.web.http.negotiation import HAL_FORMS
from cloudhands.web.index import engine
from cloudhands.web.index.decode import decode
from cloudhands.web.index.people import People
from cloudhands.web.security.throttle import Throttle
from cloudhands.web.serve import server_on
from cloudhands.web.services import Services

# Its assertions explain themselves wherever it is used.
pytest.register_assert_rewrite("cloudhands.web.testing_hostile.checking")

PASSWORD = "a local password"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SITE = Site(
    name="test",
    title="Test cloud",
    strapline="Machines for research.",
    support="help@example.org",
    settings={},
    catalogue=Path(),
    accent={"light": "#0b5c8a", "dark": "#6cb8e6"},
)
PEOPLE = [person("ghopper", "Grace Hopper"), person("aturing", "Alan Turing")]


@dataclass
class World:
    """Public ids of what every portal of a test holds.

    One organisation with an administrator `admin`, a member `member` who owns the appliance, an
    invited `invitee`; a second organisation of `stranger`, with an appliance too.
    """

    organisation: UUID
    other_organisation: UUID
    item: UUID
    appliance: UUID
    other_appliance: UUID
    invitation: UUID
    key: UUID


@dataclass
class Portal:
    """The application, its services, its world and a clock that tests may move."""

    services: Services
    world: World
    time: list[datetime]
    config: Configurator = field(init=False)
    app: Any = field(init=False)

    def __post_init__(self) -> None:
        self.config, shared = _configured()

        def app(environ: Any, start_response: Any) -> Any:
            self.config.registry.services = self.services
            return shared(environ, start_response)

        self.app = app

    def client(self, uid: str = "", *, accept: str = HAL_FORMS) -> "Client":
        """A client that asks for HAL-FORMS, or for something else, signed in as a user."""
        # As a browser does: it tells that a form comes from a page of ours.
        origin = {"Sec-Fetch-Site": "same-origin"} if accept == "text/html" else {}
        client = Client(
            transport=httpx.WSGITransport(app=self.app),
            base_url="http://portal.test",
            headers={"Accept": accept, **origin},
        )
        if uid:
            client.cookies.set(SESSION_COOKIE, self.cookie(uid), domain="portal.test")
        return client

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve the portal on a free port of 127.0.0.1; the block gets its address."""
        listener = socket.create_server(("127.0.0.1", 0))
        with serving(self.app, listener):
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"

    def cookie(self, uid: str) -> str:
        """The cookie of a new session of a user."""
        with self.services.database.writing() as session:
            opened = user(session, uid)
            return open_session(session, opened, self.time[0], timedelta(hours=1))

    def browser(self, uid: str = "") -> "Client":
        """A client that asks for HTML."""
        return self.client(uid, accept="text/html")


class Client(httpx.Client):
    """An HTTP client that can find its way by relations and use templates."""

    def document(self, path: str = "/") -> dict[str, Any]:
        """A resource as HAL."""
        answer = self.get(path, headers={"Accept": HAL_FORMS})
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def use(self, template: Mapping[str, Any], **values: str) -> httpx.Response:
        """Submit a template: its own values, with others put over them."""
        body = {one["name"]: one["value"] for one in template["properties"] if "value" in one}
        return self.post(template["target"], json=body | values)

    def token(self) -> str:
        """The CSRF token that this client's forms have; empty for a visitor's."""
        (template, *_) = self.document("/")["_templates"].values()
        values = {one["name"]: one.get("value", "") for one in template["properties"]}
        found: str = values.get(CSRF_TOKEN, "")
        return found


@contextmanager
def serving(app: Any, listener: socket.socket) -> Iterator[None]:
    """Serve an application as `cloud-serve` does, and close the socket at the end."""
    server = server_on(listener, app, threads=4)
    loop = threading.Thread(target=server.run, daemon=True)
    loop.start()
    try:
        yield
    finally:
        server.trigger.pull_trigger(lambda: server.asyncore.close_all(server._map))
        loop.join(5)
        server.task_dispatcher.shutdown()


def portal_on(database: Database, folder: Path) -> Portal:
    """A portal over a new, upgraded database."""
    index_people(folder / "index", PEOPLE)
    return _portal(database, folder, _fill(database))


def _fill(database: Database) -> World:
    with database.writing() as session:
        return _world(session)


def _portal(database: Database, folder: Path, world: World) -> Portal:
    time = [NOW]
    services = Services(
        settings=settings.Settings(state=folder, providers=PROVIDERS),
        site=SITE,
        database=database,
        secret=SECRET,
        people=People(folder / "index"),
        throttle=Throttle(2, searches=600),
        clock=lambda: time[0],
    )
    return Portal(services, world, time)


@functools.cache
def _configured() -> tuple[Configurator, Any]:
    """The application for every portal of this process, which asks services at requests only.

    Making one takes longer than most tests; no test serves two portals at the same moment.
    """
    config = configure(cast("Services", None))
    return config, config.make_wsgi_app()


def index_people(folder: Path, people: Iterable[Person]) -> None:
    """Make an index of these people, as `cloud-index` does."""
    names = settings.Attributes()
    entries = [
        decode(
            {
                names.id: [one.id.encode()],
                names.uid: [one.uid.encode()],
                names.name: [one.name.encode()],
                names.mail: [one.mail.encode()],
            },
            names,
        )
        for one in people
    ]
    with engine.writer(folder) as writer:
        position = engine.Position("full", b"", "", NOW)
        writer.replace([entry for entry in entries if entry], position)


@functools.cache
def _hash() -> str:
    # As cheap to check as argon2id can be: what it costs people is tested where it is made.
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def _world(session: Session) -> World:
    make = Factory(session, NOW)
    organisation, other = make.organisation("physics"), make.organisation("chemistry")
    admin = make.member(organisation, "admin", "admin")
    member = make.member(organisation, "member")
    stranger = make.member(other, "stranger", "admin")
    session.add(Password(user_id=admin.id, hash=_hash(), set_at=NOW))
    make.user("invitee").directory_id = "invitee-in-the-directory"
    session.flush()
    invited = Person("invitee-in-the-directory", "invitee", "Invitee", "invitee@example.org")
    invitation = memberships.invite(session, admin, organisation, invited, "member", NOW)
    key = keys.add_key(session, member, keys.NewKey(label="laptop", key=KEY), NOW)
    appliance = make.appliance(organisation, member, "mine")
    elsewhere = make.appliance(other, stranger, "theirs")
    session.flush()
    return World(
        organisation=organisation.uuid,
        other_organisation=other.uuid,
        item=make.item().uuid,
        appliance=appliance.uuid,
        other_appliance=elsewhere.uuid,
        invitation=invitation.uuid,
        key=key.uuid,
    )


def user(session: Session, uid: str) -> User:
    """A user of the world."""
    found = user_by_uid(session, uid)
    assert found is not None, uid
    return found


def able_to_change(session: Session, appliance: Appliance) -> None:
    """Put an appliance where it can be rebooted, and have the size `large`."""
    make = Factory(session, NOW)
    able = Capabilities(resize=True, reboot=True)
    tell_capabilities(session, make.burst, "private", able, NOW)
    appliance.provider, appliance.seen_size = provider(session, "private", NOW), appliance.size
    small = appliance.definition["sizes"]["small"]
    large = {**small, "title": "Large", "vcpus": 4}
    appliance.definition = {**appliance.definition, "sizes": {"small": small, "large": large}}
    appliance.version += 1


# --- fixtures: the world is made once and copied, which takes a tenth of the time -----------------


@dataclass(frozen=True)
class Worlds:
    """Templates of one kind: an index's folder, and databases that hold the world.

    :param database: gives a database that holds the world and nothing else, for as long as the
        block runs; the block gets its URL.
    """

    world: World
    index: Path
    database: Callable[[Path], AbstractContextManager[str]]

    @contextmanager
    def portal(self, folder: Path) -> Iterator[Portal]:
        """A portal over copies, kept in a folder."""
        shutil.copytree(self.index, folder / "index", symlinks=True)
        with self.database(folder) as url, short_lived(url) as database:
            yield _portal(database, folder, self.world)


@pytest.fixture(scope="session")
def index_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an index that holds the people."""
    folder = tmp_path_factory.mktemp("index") / "index"
    index_people(folder, PEOPLE)
    return folder


@pytest.fixture(scope="session")
def sqlite_worlds(
    sqlite_template: Path, index_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Worlds:
    """What a portal on SQLite is made from."""
    file = Path(shutil.copy(sqlite_template, tmp_path_factory.mktemp("world") / "world.db"))
    with short_lived(f"sqlite:///{file}") as database:
        world = _fill(database)

    @contextmanager
    def copied(folder: Path) -> Iterator[str]:
        yield f"sqlite:///{shutil.copy(file, folder / 'cloudhands.db')}"

    return Worlds(world, index_template, copied)


@pytest.fixture(scope="session")
def postgresql_worlds(postgresql_server: PostgreSQL, index_template: Path) -> Iterator[Worlds]:
    """What a portal on PostgreSQL is made from."""
    with postgresql_server.upgraded() as url:
        with short_lived(url) as database:
            world = _fill(database)
        reused = Reused(postgresql_server, url)
        yield Worlds(world, index_template, lambda folder: reused.url())


@pytest.fixture
def portal(sqlite_worlds: Worlds, tmp_path: Path) -> Iterator[Portal]:
    """A portal on SQLite."""
    with sqlite_worlds.portal(tmp_path) as portal:
        yield portal


@pytest.fixture(scope="module")
def shared_portal(
    sqlite_worlds: Worlds, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Portal]:
    """A portal on SQLite for all tests of a module, none of which minds what another did."""
    with sqlite_worlds.portal(tmp_path_factory.mktemp("portal")) as portal:
        yield portal


@pytest.fixture(params=["sqlite", "postgresql"])
def any_portal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Portal]:
    """A portal on each kind of database."""
    worlds: Worlds = request.getfixturevalue(f"{request.param}_worlds")
    with worlds.portal(tmp_path) as portal:
        yield portal
