"""`appliance.metering`: every second is counted once, whatever happened."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from cloudhands.common import history
from cloudhands.common.appliance import metering
from cloudhands.common.appliance.states import APPLIANCE
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.catalogue.commands import ItemDefinition
from cloudhands.common.db import Database
from cloudhands.common.machine import move
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.commands import provider
from cloudhands.common.settings import Price
from cloudhands.common.testing.factories import ITEM, NOON, Factory

HOUR = timedelta(hours=1)
LARGE = ITEM.sizes["small"].model_copy(
    update={"title": "Large", "on": {"private": "m1.large", "public": "m1.large"}}
)
TWO_SIZES = ItemDefinition.model_validate(
    {**ITEM.model_dump(), "sizes": {"small": ITEM.sizes["small"], "large": LARGE}}
)
PRICES = {
    "private": [Price(size="m1.small", running=Decimal("0.10"), stopped=Decimal("0.01"))],
    "public": [Price(size="m1.large", running=Decimal("1"))],
}


@dataclass
class Scene:
    """One organisation, and what happens to its appliances at given hours after noon."""

    session: Session
    make: Factory
    organisation: Organisation
    moment: datetime = field(default=NOON)

    def launch(self) -> Appliance:
        self.make.item(TWO_SIZES)
        owner = self.make.member(self.organisation)
        appliance = self.make.appliance(self.organisation, owner)
        self.session.flush()
        return appliance

    def at(self, hours: float, appliance: Appliance, *states: str) -> None:
        for state in states:
            now = NOON + hours * HOUR
            move(self.session, APPLIANCE, appliance, state, self.make.burst, "so it is", now)

    def placed(self, appliance: Appliance, name: str, size: str) -> None:
        appliance.provider_id = provider(self.session, name, NOON).id
        appliance.seen_size = size

    def use(self, since: float, until: float) -> list[tuple[str | None, str | None, float, float]]:
        found = metering.use(
            self.session, self.organisation.id, NOON + since * HOUR, NOON + until * HOUR
        )
        return [(u.provider, u.size, u.running / HOUR, u.stopped / HOUR) for u in found]


@pytest.fixture
def scene(database: Database) -> Iterator[Scene]:
    with database.writing() as session:
        make = Factory(session)
        yield Scene(session, make, make.organisation("physics", limit=100))


def running(scene: Scene) -> Appliance:
    """One that has been running since one hour after noon."""
    appliance = scene.launch()
    scene.placed(appliance, "private", "small")
    scene.at(0.5, appliance, "provisioning")
    scene.at(1, appliance, "running")
    return appliance


def test_what_runs_is_counted_from_when_it_ran_to_the_end_of_the_time(scene: Scene) -> None:
    running(scene)
    assert scene.use(0, 10) == [("private", "small", 9, 0)]
    assert scene.use(4, 10) == [("private", "small", 6, 0)]
    assert scene.use(0, 1) == []
    assert scene.use(-10, 0) == []


def test_what_is_stopped_is_counted_apart(scene: Scene) -> None:
    appliance = running(scene)
    scene.at(3, appliance, "stopping")
    scene.at(3.25, appliance, "stopped")
    scene.at(7, appliance, "starting")
    scene.at(7.5, appliance, "running")
    assert scene.use(0, 10) == [("private", "small", 2.25 + 2.5, 4.25)]
    assert scene.use(4, 5) == [("private", "small", 0, 1)]


def test_what_is_deleted_or_failed_is_not_counted(scene: Scene) -> None:
    appliance = running(scene)
    scene.at(3, appliance, "failed")
    scene.at(5, appliance, "requested", "provisioning")
    scene.at(6, appliance, "running")
    scene.at(8, appliance, "deleting")
    scene.at(9, appliance, "deleted")
    assert scene.use(0, 24) == [("private", "small", 4, 0)]
    assert scene.use(8, 24) == []


def test_a_resize_and_a_move_split_the_time(scene: Scene) -> None:
    appliance = running(scene)
    appliance.seen_size = "large"
    later = NOON + 4 * HOUR
    history.record(
        scene.session, appliance, scene.make.burst, "resized", later,
        from_state="running", to_state="running",
    )  # fmt: skip
    scene.at(6, appliance, "failed")
    scene.at(6, appliance, "requested")
    scene.placed(appliance, "public", "large")
    scene.at(7, appliance, "provisioning", "running")
    assert scene.use(0, 10) == [
        ("private", "small", 3, 0),
        ("private", "large", 2, 0),
        ("public", "large", 3, 0),
    ]


def test_rows_that_change_nothing_of_it_do_not_count_twice(scene: Scene) -> None:
    appliance = running(scene)
    for hours in (2, 3, 3, 4):
        history.record(
            scene.session, appliance, scene.make.burst, "renamed", NOON + hours * HOUR,
            from_state="running", to_state="running",
        )  # fmt: skip
    assert scene.use(0, 10) == [("private", "small", 9, 0)]


def test_a_clock_that_was_set_back_makes_no_negative_time(scene: Scene) -> None:
    appliance = running(scene)
    scene.at(0.5, appliance, "stopping")
    scene.at(2, appliance, "stopped")
    assert scene.use(0, 10) == [("private", "small", 1.5, 8)]


def test_a_clock_that_was_set_back_counts_nothing_twice(scene: Scene) -> None:
    appliance = running(scene)
    for hours in (10, 6):
        history.record(
            scene.session, appliance, scene.make.burst, "looked at", NOON + hours * HOUR,
            from_state="running", to_state="running",
        )  # fmt: skip
    scene.at(20, appliance, "deleting")
    assert scene.use(0, 30) == [("private", "small", 19, 0)]


def test_what_began_before_there_were_facts_is_where_it_is_now(scene: Scene) -> None:
    appliance = scene.launch()
    scene.at(1, appliance, "provisioning", "running")
    scene.session.flush()
    triggers = "ALTER TABLE touches DISABLE TRIGGER USER"
    if scene.session.get_bind().dialect.name == "sqlite":
        triggers = "DROP TRIGGER touches_are_not_changed"
    scene.session.execute(text(triggers))
    scene.session.execute(text("UPDATE touches SET facts = '{}'"))
    scene.placed(appliance, "private", "small")
    assert scene.use(0, 3) == [("private", "small", 2, 0)]


def test_what_was_deleted_before_is_not_read(scene: Scene) -> None:
    appliance = running(scene)
    scene.at(3, appliance, "deleting", "deleted")
    scene.session.flush()
    found = scene.session.execute(
        metering._rows(scene.organisation.id, NOON + 5 * HOUR, NOON + 9 * HOUR)
    ).all()
    assert found == []
    assert scene.use(0, 9) == [("private", "small", 2, 0)]


def test_what_happened_later_is_not_read(scene: Scene) -> None:
    appliance = running(scene)
    for hours in range(10, 40):
        history.record(
            scene.session, appliance, scene.make.burst, "looked at", NOON + hours * HOUR,
            from_state="running", to_state="running",
        )  # fmt: skip
    scene.session.flush()
    found = scene.session.execute(metering._rows(scene.organisation.id, NOON, NOON + 5 * HOUR))
    assert len(found.all()) <= 5


def test_the_parts_of_a_time_sum_up_to_the_whole(scene: Scene) -> None:
    appliance = running(scene)
    scene.at(3.3, appliance, "stopping")
    scene.at(4.7, appliance, "stopped")
    scene.at(6.1, appliance, "starting", "running")
    moments = [0, 1.7, 3.4, 4.7, 5, 6.1, 9]
    parts = [scene.use(since, until) for since, until in pairwise(moments)]
    (whole,) = scene.use(0, 9)
    for column in (2, 3):
        summed = sum(row[column] for part in parts for row in part)  # type: ignore[misc]
        assert summed == pytest.approx(whole[column], abs=1e-9)


def test_only_this_organisations_are_counted(scene: Scene) -> None:
    running(scene)
    other = scene.make.organisation("chemistry")
    assert metering.use(scene.session, other.id, NOON, NOON + 9 * HOUR) == []


def test_the_cost_is_exact(scene: Scene) -> None:
    appliance = running(scene)
    scene.at(3, appliance, "stopping", "stopped")
    (used,) = metering.use(scene.session, scene.organisation.id, NOON, NOON + 10 * HOUR)
    assert used.cloud_size == "m1.small"
    assert metering.cost(used, PRICES) == Decimal("0.27")
    assert metering.cost(used, {}) is None
    assert metering.cost(used, {"private": PRICES["public"]}) is None
    assert metering.hours(timedelta(microseconds=1)) * 3_600_000_000 == pytest.approx(1)


@pytest.mark.parametrize("appliances", [1, 12])
def test_the_number_of_queries_is_fixed(scene: Scene, database: Database, appliances: int) -> None:
    for _ in range(appliances):
        running(scene)
    statements: list[str] = []

    def heard(*args: object) -> None:
        statements.append(str(args[2]))

    event.listen(database.engine, "before_cursor_execute", heard)
    try:
        scene.session.flush()
        statements.clear()
        assert len(scene.use(0, 10)) == appliances
    finally:
        event.remove(database.engine, "before_cursor_execute", heard)
    assert len(statements) == 3, statements
