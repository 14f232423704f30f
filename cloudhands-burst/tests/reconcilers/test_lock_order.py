"""Rows are locked in the one order of `common.placement.commands`: nobody waits for each other.

On PostgreSQL: SQLite's writers take turns. Somebody holds what comes first; who wants both waits
for it, and must hold nothing yet that the other comes to want.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import select, text, update

from cloudhands.burst.reconcilers.drift.compare import Findings, Known
from cloudhands.burst.reconcilers.drift.reconciler import DriftReconciler
from cloudhands.burst.reconcilers.subscription.reconciler import SubscriptionReconciler
from cloudhands.burst.testing import World
from cloudhands.common import work
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.listing import commands as listing
from cloudhands.common.listing.tables import ProviderListing
from cloudhands.common.provider.queries import by_name
from cloudhands.common.provider.tables import Provider, Subscription
from cloudhands.common.testing.databases import short_lived


@pytest.fixture
def world(postgresql_url: str, tmp_path: Path) -> Iterator[World]:
    with short_lived(postgresql_url) as database:
        yield World(database, tmp_path)


def _claim(world: World, model: type[Any]) -> work.Claim:
    with world.database.writing() as session:
        (claim, *_) = work.claim(session, model, world.clock(), 15, 1)
    return claim


def _checks_a_subscription(world: World) -> Callable[[], object]:
    with world.database.writing() as session:
        session.execute(update(Subscription).values(state="unchecked", due_at=world.clock()))
    world.launch()
    world.look()
    claim = _claim(world, Subscription)
    return lambda: SubscriptionReconciler(world.context).reconcile(claim)


def _listed(world: World) -> tuple[work.Claim, Known]:
    world.launch()
    with world.database.writing() as session:
        session.execute(update(Appliance).values(due_at=None))
        listing.begin(session, "private", world.clock())
        found = session.scalars(select(Appliance)).one()
        known = Known(found.id, str(found.uuid), 1, "s-1", "running")
    return _claim(world, ProviderListing), known


def _finds_one_missing(world: World) -> Callable[[], object]:
    claim, known = _listed(world)
    found = Findings(expected=1, missing=[known])
    return lambda: DriftReconciler(world.context)._noted(claim, "private", found, 0, 30)


def _finds_all_missing(world: World) -> Callable[[], object]:
    claim, known = _listed(world)
    found = Findings(expected=1, missing=[known], vanished=True)
    return lambda: DriftReconciler(world.context)._vanished(claim, "private", found)


@pytest.mark.parametrize(
    ("wants_both", "first", "then"),
    [
        (_checks_a_subscription, Appliance, Subscription),
        (_finds_one_missing, Appliance, ProviderListing),
        (_finds_all_missing, Provider, ProviderListing),
    ],
)
def test_what_comes_later_is_not_held_while_waiting(
    world: World,
    wants_both: Callable[[World], Callable[[], object]],
    first: type[Any],
    then: type[Any],
) -> None:
    outcomes: list[object] = []
    act = wants_both(world)
    thread = Thread(target=lambda: outcomes.append(act()))
    with world.database.writing() as holding:
        if first is Provider:
            assert by_name(holding, "private", lock=True)
        else:
            holding.scalars(select(first).with_for_update(key_share=True)).all()
        thread.start()
        with world.database.looking() as connection:
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            while not connection.execute(waiting).scalar_one():
                connection.rollback()
                assert thread.is_alive(), "it wants what is held"
        assert holding.scalars(select(then).with_for_update(nowait=True)).all()
    thread.join(20)
    assert outcomes, "it went on"
