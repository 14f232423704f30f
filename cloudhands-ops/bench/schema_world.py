"""The worlds that the schema is measured in: organisations of 50 appliances with long histories.

All of it is written in bulk, histories too, which are sealed like any other.
"""

import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_network
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import event, insert, select
from sqlalchemy.orm import Session

from cloudhands.common import clock
from cloudhands.common.actor.commands import component
from cloudhands.common.actor.queries import BURST
from cloudhands.common.actor.tables import Actor, User
from cloudhands.common.address.tables import HeldAddress
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.db import Database, opened
from cloudhands.common.membership.tables import Membership
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.commands import provider
from cloudhands.common.testing.databases import SECRET
from cloudhands.common.testing.factories import ITEM, KEY, PROVIDERS
from cloudhands.common.testing.histories import lengthen

IN_ORGANISATION = 50
MEMBERS = 5
CLOUD = "private"
NETWORK = ip_network("10.0.0.0/8")
# Rows of history that an appliance gets before all others get some, too: in the table those of one
# appliance lie apart, as they do where years went by.
AT_ONCE = 5

SQLITE = ("PRAGMA synchronous=OFF", "PRAGMA cache_size=-1000000")
POSTGRESQL = ("SET synchronous_commit TO off", "SET session_replication_role TO replica")


@dataclass(frozen=True)
class Size:
    """How much there is.

    :param appliances: in organisations of 50.
    :param touches: rows of history of each.
    """

    appliances: int
    touches: int


@dataclass(frozen=True)
class World:
    """A full database, open as in production, and what can be asked for in it."""

    database: Database
    appliances: Sequence[UUID]
    organisations: Sequence[int]


@dataclass
class Coming:
    """An appliance that is yet to be written; its history is written first."""

    uuid: UUID
    facts: Mapping[str, Any]
    kind: str = Appliance.kind
    state: str = "running"
    version: int = 0
    touch_count: int = 0
    last_link: str = ""


@contextmanager
def world(url: str, size: Size) -> Iterator[World]:
    """Fill a database that has every table and no rows, and open it as long as the block runs.

    PostgreSQL's statistics are brought up to date, as autovacuum does in production.
    """
    with _filling(url) as database:
        _fill(database, size, clock.now())
        _settle(database)
    with opened(url, SECRET) as database:
        with database.reading() as session:
            appliances = session.scalars(select(Appliance.uuid).order_by(Appliance.id)).all()
            organisations = session.scalars(select(Organisation.id)).all()
        yield World(database, appliances, organisations)


@contextmanager
def _filling(url: str) -> Iterator[Database]:
    """An open database that waits for no disk and, on PostgreSQL, checks no foreign key."""
    with opened(url, SECRET) as database:
        event.listen(database.engine, "connect", _hurry)
        yield database


def _hurry(connection: Any, record: Any) -> None:
    for statement in SQLITE if isinstance(connection, sqlite3.Connection) else POSTGRESQL:
        connection.execute(statement).close()
    connection.commit()


def _settle(database: Database) -> None:
    """Leave nothing to be done in the background while it is measured."""
    with database.engine.connect() as connection:
        driver = connection.connection.driver_connection
        if isinstance(driver, sqlite3.Connection):
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        else:
            driver.autocommit = True
            driver.execute("VACUUM (ANALYZE)")
            driver.execute("CHECKPOINT")
            connection.invalidate()  # it commits each statement: not for the pool


def _fill(database: Database, size: Size, now: datetime) -> None:
    with database.writing() as session:
        cloud, burst = provider(session, CLOUD, now), component(session, BURST, now)
        session.flush()
        facts = {"provider": cloud.id, "size": ITEM.default_size}
        coming = [Coming(uuid4(), facts) for _ in range(size.appliances)]
        session.expunge_all()
    _histories(database, coming, size.touches, burst, now)
    with database.writing() as session:
        members = _organisations(session, len(coming) // IN_ORGANISATION, now)
        _appliances(session, coming, members, now)
        _nodes(session, cloud.id, now)


def _histories(
    database: Database, coming: Sequence[Coming], touches: int, actor: Actor, now: datetime
) -> None:
    # In the order of the index, which is filled faster then.
    coming = sorted(coming, key=lambda one: one.uuid)
    for wanted in range(AT_ONCE, touches + AT_ONCE, AT_ONCE):
        with database.writing() as session:
            lengthen(session, coming, min(wanted, touches), actor, now)
        kind = database.engine.dialect.name
        done = f"{min(wanted, touches) * len(coming):,} of {touches * len(coming):,}"
        print(f"{kind}: {done} touches written", file=sys.stderr, flush=True)


def _organisations(session: Session, count: int, now: datetime) -> Sequence[Membership]:
    made = []
    for number in range(count):
        name = f"organisation{number}"
        organisation = Organisation(
            name=name,
            title=name.title(),
            appliances_limit=IN_ORGANISATION,
            appliances_used=IN_ORGANISATION,
            created_at=now,
        )
        made += [_member(organisation, f"user{number}-{n}", now) for n in range(MEMBERS)]
    session.add_all(made)
    session.flush()
    return made


def _member(organisation: Organisation, uid: str, now: datetime) -> Membership:
    user = User(uid=uid, name=uid.title(), mail=f"{uid}@example.org", created_at=now)
    return Membership(
        organisation=organisation, user=user, role="member", state="active", created_at=now
    )


def _appliances(
    session: Session, coming: Sequence[Coming], members: Sequence[Membership], now: datetime
) -> None:
    placement = [{"label": PROVIDERS[CLOUD].label, "reason": "it has room", "chosen": True}]
    alike = {
        "label": "analysis",
        "size": ITEM.default_size,
        "seen_size": ITEM.default_size,
        "definition": ITEM.model_dump(mode="json"),
        "authorized_keys": [KEY],
        "goal": "running",
        "placement": placement,
        "created_at": now,
    }
    each = IN_ORGANISATION // MEMBERS
    owned = [member for member in members for _ in range(each)]
    rows = [
        {
            **alike,
            "uuid": one.uuid,
            "organisation_id": owner.organisation_id,
            "owner_id": owner.user_id,
            "provider_id": one.facts["provider"],
            "state": one.state,
            "version": one.version,
            "touch_count": one.touch_count,
            "last_link": one.last_link,
        }
        for one, owner in zip(coming, owned, strict=True)
    ]
    session.execute(insert(Appliance), rows)


def _nodes(session: Session, cloud: int, now: datetime) -> None:
    """A node and an address for each appliance."""
    appliances = session.scalars(select(Appliance.id).order_by(Appliance.id)).all()
    alike = {"provider_id": cloud}
    nodes = [
        {**alike, "appliance_id": appliance, "generation": 1, "made_at": now}
        for appliance in appliances
    ]
    session.execute(insert(Node), nodes)
    made = session.scalars(select(Node.id).order_by(Node.id)).all()
    addresses = [
        {
            **alike,
            "network": "internal",
            "address": str(NETWORK[node]),
            "node_id": node,
            "held_at": now,
        }
        for node in made
    ]
    session.execute(insert(HeldAddress), addresses)
