"""The migrations: they make what the code makes, and no row is lost on the way."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import inspect, select, text

from cloudhands.common import compatibility, migrating, schema, structure
from cloudhands.common.db import Base, Database
from cloudhands.common.errors import DatabaseError
from cloudhands.common.history.verification import verify
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.tables import Subscription
from cloudhands.common.schema import METADATA
from cloudhands.common.testing.databases import SECRET, short_lived

REVISIONS = [script.revision for script in reversed([*migrating.scripts().walk_revisions()])]
FIRST = "0001"
AT = datetime(2026, 3, 1, 12, 0, 1, 250_000, tzinfo=UTC)

# At least a row of each of the first tables, and every column of it.
ROWS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("actors", {"id": 1, "uuid": UUID(int=1), "kind_of_actor": "user", "name": "Älice ☁"}),
    ("actors", {"id": 2, "uuid": UUID(int=2), "kind_of_actor": "component", "name": "cloud-burst"}),
    ("users", {"id": 1, "uid": "alice", "mail": "alice@example.org", "directory_id": "17-a"}),
    ("components", {"id": 2, "component": "cloud-burst"}),
    ("installation", {"id": 1, "uuid": UUID(int=3)}),
    (
        "organisations",
        {
            "id": 1,
            "uuid": UUID(int=4),
            "name": "physics",
            "title": "Physics",
            "appliance_limit": 7,
            "appliances": 1,
        },
    ),
    ("providers", {"id": 1, "uuid": UUID(int=5), "name": "private"}),
    (
        "catalogue_items",
        {
            "id": 1,
            "uuid": UUID(int=6),
            "name": "desktop",
            "title": "Desktop",
            "summary": "It's a desktop.",
            "definition": {"sizes": {"small": 1.5}, "on": [True, None]},
        },
    ),
    (
        "subscriptions",
        {
            "id": 1,
            "uuid": UUID(int=7),
            "organisation_id": 1,
            "provider_id": 1,
            "priority": 10,
            "overflow": "ask",
            "state": "active",
            "full_until": AT,
        },
    ),
    (
        "memberships",
        {
            "id": 1,
            "uuid": UUID(int=8),
            "organisation_id": 1,
            "user_id": 1,
            "role": "admin",
            "state": "active",
        },
    ),
    (
        "appliances",
        {
            "id": 1,
            "uuid": UUID(int=9),
            "organisation_id": 1,
            "owner_id": 1,
            "label": "mine",
            "size": "small",
            "definition": {
                "title": "Desktop",
                "external_address": True,
                "sizes": {"small": {"vcpus": 2, "memory_mb": 4096, "disk_gb": 20}},
            },
            "authorized_keys": ["ssh-ed25519 AAAA"],
            "goal": "running",
            "state": "provisioning",
            "problem": "no room",
            "generation": 3,
            "seen_generation": 2,
            "provider_id": 1,
            "placement": [{"provider": "private", "reason": "first"}],
            "wanted_version": 4,
            "due_at": AT,
            "claim_token": "t",
            "claim_until": AT,
            "attempt": 5,
        },
    ),
    (
        "nodes",
        {
            "id": 1,
            "uuid": UUID(int=10),
            "appliance_id": 1,
            "generation": 3,
            "provider_id": 1,
            "server_id": "s-1",
            "made_at": AT,
            "ended_at": None,
        },
    ),
    (
        "addresses",
        {
            "id": 1,
            "provider_id": 1,
            "network": "net",
            "address": "10.0.0.1",
            "node_id": 1,
            "held_at": AT,
            "released_at": None,
        },
    ),
    ("passwords", {"user_id": 1, "hash": "$argon2id$x", "set_at": AT}),
    (
        "portal_sessions",
        {
            "id": 1,
            "uuid": UUID(int=11),
            "cookie_digest": "c",
            "user_id": 1,
            "opened_at": AT,
            "expires_at": AT,
        },
    ),
    (
        "ssh_keys",
        {
            "id": 1,
            "uuid": UUID(int=12),
            "user_id": 1,
            "label": "laptop",
            "key": "ssh-ed25519 AAAA",
            "fingerprint": "SHA256:x",
            "added_at": AT,
        },
    ),
    (
        "touches",
        {
            "id": 1,
            "artifact_kind": "appliance",
            "artifact_uuid": UUID(int=9),
            "actor_id": 2,
            "from_state": "requested",
            "to_state": "provisioning",
            "at": AT,
            "why": "a cloud makes it",
        },
    ),
)
# What stands elsewhere from a revision on.
MOVED: Mapping[tuple[str, str], tuple[str, str]] = {
    ("touches", "why"): ("0006", "(SELECT why FROM touch_texts WHERE touch_id = touches.id)"),
    ("organisations", "appliance_limit"): ("0007", "appliances_limit"),
    ("organisations", "appliances"): ("0007", "appliances_used"),
}
ARTIFACTS = {
    "actors",
    "organisations",
    "providers",
    "catalogue_items",
    "subscriptions",
    "memberships",
    "appliances",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Any]:
    """Opens databases that have no tables yet."""
    with ExitStack() as closing:

        def make() -> Database:
            if request.param == "sqlite":
                url = f"sqlite:///{tmp_path / str(UUID(int=len(made)))}.db"
            else:
                server = request.getfixturevalue("postgresql_server")
                name = server.create()
                closing.callback(server.drop, name)
                url = server.url(name)
            made.append(url)
            return closing.enter_context(short_lived(url))

        made: list[str] = []
        yield make


def structure_of(database: Database) -> structure.Structure:
    with database.reading() as session:
        return structure.read(session.connection())


def test_they_make_what_the_code_makes(empty: Any) -> None:
    migrated, made = empty(), empty()
    schema.upgrade(migrated)
    with made.writing() as session:
        METADATA.create_all(session.connection())
    found, wanted = structure_of(migrated), structure_of(made)
    assert structure.differences(found, wanted) == []
    # It is no comparison of nothing with nothing.
    kinds = {key.split()[0] for key in found}
    ours = {"table", "column", "constraint", "index", "trigger"}
    assert kinds == (ours if migrated.is_sqlite else ours | {"function", "sequence"})
    assert {f"table {name}" for name in METADATA.tables} <= set(found)


def test_step_by_step_they_come_to_the_same_and_no_value_is_lost(empty: Any) -> None:
    database = empty()
    schema.upgrade(database, FIRST)
    fill(database)
    before = contents(database, FIRST)
    assert set(tables(database)) - {"alembic_version"} == set(before)
    for revision in REVISIONS[1:]:
        assert schema.upgrade(database, revision) == revision
        assert contents(database, revision) == before, revision
        assert what_code_it_asks_for(database) == declared(revision), revision
    assert schema.differences(database) == []
    read_by_this_release(database)


def what_code_it_asks_for(database: Database) -> str | None:
    with database.reading() as session:
        return compatibility.oldest_code(session.connection())


def declared(revision: str) -> str | None:
    """What the migrations say beforehand: a deployment goes by that."""
    scripts = (one for one in migrating.scripts().walk_revisions() if one.revision <= revision)
    found = (getattr(script.module, "oldest_code", None) for script in scripts)
    return max((one for one in found if one), default=None)


def read_by_this_release(database: Database) -> None:
    """Find every row by its uuid, or else its key, and every value in it."""
    models = {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers}
    with database.reading() as session:
        for table, values in whole_rows():
            model = models[table]
            if "uuid" in values:
                row = session.scalars(select(model).where(model.uuid == values["uuid"])).one()
            else:
                (key,) = (values[column.name] for column in inspect(model).primary_key[:1])
                row = session.get_one(model, key)
            assert {name: value_of(row, table, name) for name in values} == values
    found = verify(database, SECRET)
    # All but the appliance have no row of history here, unlike what commands make.
    left = [one.sentence for one in found.findings if "all rows were removed" not in one.what]
    assert (found.rows, left) == (1, [])


def value_of(row: Any, table: str, column: str) -> object:
    if (table, column) == ("touches", "why"):
        return row.text.why
    return getattr(row, where(table, column, REVISIONS[-1]))


def test_what_was_launched_before_there_were_limits_counts(empty: Any) -> None:
    database = empty()
    schema.upgrade(database, FIRST)
    fill(database)
    schema.upgrade(database)
    with database.reading() as session:
        for limited in (session.query(Organisation).one(), session.query(Subscription).one()):
            assert [use.used for use in limited.uses] == [1, 2, 4096, 20, 1]


def test_history_cannot_be_sealed_without_the_key(empty: Any) -> None:
    database = empty()
    schema.upgrade(database, FIRST)
    fill(database)
    database.secret = None
    with pytest.raises(DatabaseError, match="only be sealed with the key file"):
        schema.upgrade(database)
    with database.reading() as session:
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == FIRST


def whole_rows() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for table, values in ROWS:
        common = {"version": 3, "created_at": AT} if table in ARTIFACTS else {}
        yield table, {**values, **common}


def fill(database: Database) -> None:
    """Put every row in as the driver wants it, without any code of ours."""
    with database.writing() as session:
        for table, values in whole_rows():
            raw = {name: as_text(value, database.is_sqlite) for name, value in values.items()}
            marks = ", ".join(f":{name}" for name in raw)
            statement = f"INSERT INTO {table} ({', '.join(raw)}) VALUES ({marks})"
            session.execute(text(statement), raw)


def as_text(value: object, is_sqlite: bool) -> object:
    match value:
        case UUID():
            return value.hex
        case datetime():
            written = value.strftime("%Y-%m-%d %H:%M:%S.%f")
            return written if is_sqlite else f"{written}+00"
        case dict() | list():
            return json.dumps(value)
    return value


def contents(database: Database, revision: str) -> Mapping[str, Any]:
    """The first tables' columns, as they are in the database, wherever they stand now."""
    columns: dict[str, list[str]] = {}
    for table, values in whole_rows():
        columns[table] = [where(table, name, revision) for name in values]
    with database.reading() as session:
        return {
            table: [
                tuple(row)
                for row in session.execute(text(f"SELECT {', '.join(names)} FROM {table}"))
            ]
            for table, names in columns.items()
        }


def where(table: str, column: str, revision: str) -> str:
    since, expression = MOVED.get((table, column), ("9999", ""))
    return expression if revision >= since else column


def tables(database: Database) -> list[str]:
    with database.reading() as session:
        return inspect(session.connection()).get_table_names()
