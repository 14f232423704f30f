"""The worlds that the portal is measured in: one organisation that is looked at, and others.

What a person does goes through the commands; what there is by the ten thousand is written in bulk.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.common import clock, opening
from cloudhands.common.account.sessions import open_session
from cloudhands.common.actor.tables import User
from cloudhands.common.address.tables import HeldAddress
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.db import opened
from cloudhands.common.membership.tables import Membership
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.commands import provider
from cloudhands.common.testing.factories import PROVIDERS, Factory
from cloudhands.common.testing.histories import lengthen

APPLIANCES = 50
MEMBERS = 10
SESSION = timedelta(hours=4)
NETWORK = ip_network("10.0.0.0/8")
THEIRS = "theirs"
Row = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """How much there is besides the organisation that is looked at.

    :param touches: rows of history of each of its appliances.
    :param organisations: others, each with a member and a running appliance.
    """

    touches: int
    organisations: int


@dataclass(frozen=True)
class Person:
    """A signed-in browser.

    :param cookie: of its session.
    :param appliance: the path of the page that it looks at.
    """

    cookie: str
    appliance: str


@dataclass(frozen=True)
class World:
    """A database with its settings file.

    :param administrator: of the organisation that is looked at.
    :param organisation: the path of its page.
    """

    settings_file: Path
    organisation: str
    administrator: Person
    browsers: Sequence[Person]


def make(folder: Path, url: str, size: Size, browsers: int = 0) -> World:
    """Fill an empty database.

    :param folder: for the settings file and the portal's state.
    :param url: the database's.
    :param browsers: how many members of other organisations, at most one of each, are signed in.
    """
    folder.mkdir()
    settings_file = _settings(folder, url)
    with opened(url) as database:
        opening.upgrade(database, folder / "server.key")
        with database.writing() as session:
            now = clock.now()
            organisation, administrator = _organisation(session, size, now)
            _others(session, size.organisations, now)
            signed_in = list(_browsers(session, browsers, now))
            return World(
                settings_file=settings_file,
                organisation=f"/organisations/{organisation.uuid}",
                administrator=administrator,
                browsers=signed_in,
            )


def _settings(folder: Path, url: str) -> Path:
    file = folder / "cloudhands.toml"
    file.write_text(f'state = "{folder}"\n[database]\nurl = "{url}"\n', encoding="utf-8")
    return file


def _organisation(session: Session, size: Size, now: datetime) -> tuple[Organisation, Person]:
    factory = Factory(session, now)
    organisation = factory.organisation("looked-at", limit=APPLIANCES)
    administrator = factory.member(organisation, "administrator", "admin")
    members = [factory.member(organisation) for _ in range(MEMBERS)]
    made = [factory.appliance(organisation, members[n % MEMBERS]) for n in range(APPLIANCES)]
    session.flush()
    _set_running(session, made, now)
    lengthen(session, made, size.touches, factory.burst, now)
    cookie = open_session(session, administrator, now, SESSION)
    return organisation, Person(cookie, _path(made[0].uuid))


def _set_running(session: Session, appliances: Sequence[Appliance], now: datetime) -> None:
    """As cloud-burst leaves them: at a cloud, at rest, with an address."""
    cloud = provider(session, "private", now)
    placement = [{"label": PROVIDERS["private"].label, "reason": "it has room", "chosen": True}]
    for appliance in appliances:
        appliance.state, appliance.due_at = "running", None
        appliance.provider, appliance.placement = cloud, placement
        appliance.seen_size = appliance.size
    nodes = [Node(appliance=one, generation=1, provider=cloud, made_at=now) for one in appliances]
    session.add_all(nodes)
    session.flush()
    session.add_all(_address(node, now) for node in nodes)


def _address(node: Node, now: datetime) -> HeldAddress:
    return HeldAddress(
        provider_id=node.provider_id,
        network="internal",
        address=str(NETWORK[node.id]),
        node_id=node.id,
        held_at=now,
    )


def _others(session: Session, count: int, now: datetime) -> None:
    """Other organisations, each with a member and a running appliance of theirs."""
    pattern = session.scalars(select(Appliance).limit(1)).one()
    made = [_other(session, number, pattern, now) for number in range(count)]
    _set_running(session, made, now)


def _other(session: Session, number: int, pattern: Appliance, now: datetime) -> Appliance:
    name, title = f"other{number}", f"Other {number}"
    organisation = Organisation(
        name=name, title=title, appliances_limit=1, appliances_used=1, created_at=now
    )
    user = User(uid=name, name=title, mail=f"{name}@example.org", created_at=now)
    membership = Membership(
        organisation=organisation, user=user, role="member", state="active", created_at=now
    )
    appliance = Appliance(
        organisation=organisation,
        owner=user,
        label=THEIRS,
        size=pattern.size,
        definition=pattern.definition,
        authorized_keys=[],
        goal=pattern.goal,
        state=pattern.state,
        created_at=now,
    )
    session.add_all([membership, appliance])
    return appliance


def _browsers(session: Session, count: int, now: datetime) -> Iterator[Person]:
    """Members of other organisations, signed in, each at the page of their own appliance."""
    owners = session.execute(
        select(User, Appliance.uuid)
        .join(Appliance, Appliance.owner_id == User.id)
        .where(Appliance.label == THEIRS)
        .order_by(User.id)
        .limit(count)
    )
    for user, appliance in owners.all():
        yield Person(open_session(session, user, now, SESSION), _path(appliance))


def _path(appliance: UUID) -> str:
    return f"/appliances/{appliance}"
