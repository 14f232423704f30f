"""What tests of `cloud-admin db move` share: databases with rows in each table, and their rows."""

import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Table, inspect, select
from sqlalchemy.orm import Session

from cloudhands.common import db, idempotency, opening, schema, tokens
from cloudhands.common.account import api_tokens
from cloudhands.common.actor import uid_numbers
from cloudhands.common.actor.commands import installation
from cloudhands.common.actor.tables import User
from cloudhands.common.address.commands import define_pool
from cloudhands.common.address.tables import HeldAddress
from cloudhands.common.appliance.queries import by_uuid
from cloudhands.common.appliance.tables import Node
from cloudhands.common.idempotency import Creation
from cloudhands.common.listing import commands as listing
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.placement.commands import Terms, set_terms
from cloudhands.common.provider.tables import Provider
from cloudhands.common.registration.commands import NewRegistration, invite
from cloudhands.common.testing.databases import put_key, short_lived
from cloudhands.common.testing.factories import NOON, Factory
from cloudhands.common.worker.commands import arrive
from cloudhands.web.testing import NOW, Portal, World, user

# By table and key.
Rows = dict[str, dict[tuple[Any, ...], tuple[Any, ...]]]
KEY_FILE = "server.key"
TABLES = schema.METADATA.sorted_tables


@dataclass
class Source:
    """An SQLite database with rows in each table, where `cloud-admin` expects it.

    :param portal: over the database that it is a copy of.
    """

    database: db.Database
    portal: Portal

    @property
    def appliance(self) -> UUID:
        """Somebody's."""
        return self.portal.world.appliance

    def rows(self) -> Rows:
        """What it holds."""
        found = rows_of(self.database)
        self.database.close()  # nobody has it open any more
        return found


def copied(portal: Portal, folder: Path) -> AbstractContextManager[db.Database]:
    """A copy of the portal's database in a state folder."""
    portal.services.database.close()  # so that all of it is in one file
    file = folder / "cloudhands.db"
    for name in (file.name, KEY_FILE):
        shutil.copy(portal.services.settings.state / name, folder)
    return short_lived(f"sqlite:///{file}")


def give_key(database: db.Database, folder: Path) -> None:
    """Put the key that tests write history with where `cloud-admin` expects it."""
    put_key(folder / KEY_FILE)
    opening.give_secret(database, folder / KEY_FILE)


def fill(session: Session, world: World) -> None:
    """Put rows into the tables that a portal's world leaves empty."""
    installation(session)
    appliance = by_uuid(session, world.appliance)
    provider = session.scalars(select(Provider)).first()
    assert appliance is not None
    assert provider is not None
    for number, ended in enumerate((NOW, None)):
        node = Node(
            appliance_id=appliance.id,
            generation=number,
            provider_id=provider.id,
            server_id=None if ended else "i-1",
            made_at=NOON,
            ended_at=ended,
        )
        session.add(node)
        session.flush()
        held = {"provider_id": provider.id, "network": "net", "address": "10.0.0.1"}
        session.add(HeldAddress(**held, node_id=node.id, held_at=NOON, released_at=ended))
    appliance.placement = [{"chosen": True, "reason": "caf\u00e9", "share": 0.1, "large": 1e20}]
    member = user(session, "member").id
    for key in ("first", "second"):
        idempotency.keep(session, member, key, "digest", "/appliances/1", NOW)
    _fill_subjects(session, user(session, "member"))
    _fill_placement(session, user(session, "member"), appliance.organisation)
    # Its id was given once, and never is again.
    session.query(Creation).filter_by(key_digest=tokens.digest("second")).delete()


def _fill_subjects(session: Session, member: User) -> None:
    """Put rows into the tables of what happens around appliances."""
    make = Factory(session, NOW)
    provider = session.scalars(select(Provider)).first()
    assert provider is not None
    define_pool(session, make.operator, provider, "floating", "192.0.2.1-192.0.2.3", NOW)
    uid_numbers.allot(session, member, range(5000, 6000), NOW)
    wanted = api_tokens.NewToken(label="script", days=30)
    api_tokens.make(session, member, wanted, NOW)
    newcomer = NewRegistration(mail="newcomer@example.org")
    invite(session, make.operator, None, newcomer, NOW)  # posts a mail, too
    arrive(session, "a-host", 4711, NOW)


def _fill_placement(session: Session, member: User, organisation: Organisation) -> None:
    """Put rows into the tables of what was agreed on about placement, and of what expires."""
    make, terms = Factory(session, NOW), Terms(budget=500, locations=("uk",))
    make.asking(organisation, member)
    make.appliance(organisation, member, lifetime_days=30)
    set_terms(session, make.operator, organisation, terms, NOW)
    listing.begin(session, "private", NOW)


def rows_of(database: db.Database) -> Rows:
    """Every row of every table by its key, as Python sees it; without the mark."""
    with database.reading() as session:
        return {table.name: rows_in(session, table) for table in TABLES}


def rows_in(session: Session, table: Table) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Every row of a table by its key."""
    columns = [column for column in table.columns if column.name != "moved_to"]
    return {
        tuple(row._mapping[part] for part in table.primary_key): tuple(row)
        for row in session.execute(select(*columns))
    }


def tables_of(database: db.Database) -> list[str]:
    """The tables that are there."""
    with database.reading() as session:
        return inspect(session.connection()).get_table_names()


def untouched(source: Source, before: Rows, target: db.Database) -> None:
    """Nothing was moved, and the source can be used."""
    schema.check(source.database)
    assert source.rows() == before
    assert tables_of(target) == []
