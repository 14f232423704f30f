"""What a server is told, and how far its set-up is, as cloud-burst writes it down."""

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import update

from cloudhands.burst.testing import World
from cloudhands.burst.testing_faults import Broken, Faulty
from cloudhands.burst.testing_machine import ours
from cloudhands.common.appliance import sign_in
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.cloud import Server, ServerSpec
from cloudhands.common.db import Database
from cloudhands.common.settings import Portal
from cloudhands.common.testing.databases import SECRET

REACHED = Portal(url="https://portal.example.org")


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    """Its machines reach the portal; what one cloud cannot build no other one shall."""
    world = World(database, tmp_path, overflow="never")
    world.settings = world.settings.model_copy(update={"portal": REACHED})
    return world


def setup(world: World, uuid: UUID) -> str:
    return world.row(uuid).setup


def test_a_server_gets_its_own_token_with_each_try(world: World) -> None:
    told: list[str] = []

    class Noting(Faulty):
        def create(self, spec: ServerSpec) -> Server:
            told.append(spec.user_data)
            return super().create(spec)

    world.clouds["private"] = broken = Noting(Broken(world.clouds["private"]))
    uuid = world.launch()
    world.go_on(60)
    assert world.state(uuid) == "failed"
    world.retry(uuid)
    world.go_on(60)
    assert broken.calls.count("find") > 0
    shown = [
        file["content"]
        for text in told
        for file in ours(text)["write_files"]
        if file["path"].endswith("/authorization")
    ]
    assert list(dict.fromkeys(shown)) == [
        f"Authorization: Bearer {sign_in.token(SECRET, uuid, generation)}\n"
        for generation in (1, 2)
    ]


def test_it_boots_once_the_cloud_runs_it(world: World) -> None:
    uuid = world.launch()
    world.look()
    assert setup(world, uuid) == ""
    world.go_on()
    row = world.row(uuid)
    assert (row.state, row.setup, row.setup_at) == ("running", "booting", row.setup_at)
    assert row.setup_at is not None


def test_it_boots_once_only(world: World) -> None:
    uuid = world.launch()
    world.go_on()
    said(world, "ready")
    for goal in ("stopped", "running"):
        world.want(uuid, goal)  # type: ignore[arg-type]
        world.go_on()
        assert world.state(uuid) == goal
        assert setup(world, uuid) == "ready"


def test_another_try_begins_with_no_report(world: World) -> None:
    world.clouds["private"] = broken = Broken(world.clouds["private"])
    uuid = world.launch()
    world.go_on(60)
    said(world, "failed")
    world.retry(uuid)
    world.look()
    assert setup(world, uuid) == ""
    broken.broken = False
    world.go_on(30)
    assert (world.state(uuid), setup(world, uuid)) == ("running", "booting")


def test_where_the_portal_is_not_reached_nothing_is_expected(world: World) -> None:
    world.settings = world.settings.model_copy(update={"portal": Portal()})
    uuid = world.launch()
    world.go_on()
    assert (world.state(uuid), setup(world, uuid)) == ("running", "")


def test_user_data_that_are_too_long_are_told_to_the_person(world: World) -> None:
    uuid = world.launch()
    definition = dict(world.row(uuid).definition) | {"user_data": "#!/bin/sh\n" + "x" * 16_000}
    with world.database.writing() as session:
        session.execute(update(Appliance).values(definition=definition))
    world.go_on()
    state, why = world.history(uuid)[-1]
    assert state == "failed"
    assert why is not None
    assert why.startswith("Private cloud cannot make it: its user data have ")


def said(world: World, state: str) -> None:
    with world.database.writing() as session:
        session.execute(update(Appliance).values(setup=state, setup_log="x"))
