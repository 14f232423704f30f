"""The reconciler keeps to what was agreed on: approval, budget, places of data."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from cloudhands.burst.reconcilers.budget import BudgetReconciler
from cloudhands.burst.testing import World
from cloudhands.burst.testing_faults import faulty, look_again
from cloudhands.common import work
from cloudhands.common.appliance.queries import by_uuid
from cloudhands.common.cloud import Full
from cloudhands.common.errors import ClaimLost
from cloudhands.common.mail.tables import Message
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.placement import commands
from cloudhands.common.placement.commands import Terms
from cloudhands.common.placement.queries import budget_of
from cloudhands.common.placement.spending import RECKONED_SECONDS
from cloudhands.common.placement.tables import Budget
from cloudhands.common.settings import Price
from cloudhands.common.testing.factories import Factory

DEAR = Decimal("0.50")
HOURS_LEFT = 30 * 24 + 12  # from noon of the first of March


def set_terms(world: World, provider: str = "", **wanted: Any) -> None:
    with world.database.writing() as session:
        organisation = session.get_one(Organisation, world.organisation_id)
        actor, terms = Factory(session).operator, Terms(**wanted)
        commands.set_terms(session, actor, organisation, terms, world.clock(), provider=provider)


def set_prices(world: World, **prices: Decimal) -> None:
    change_providers(
        world,
        {
            name: {"prices": (Price(size="m1.small", running=price),)}
            for name, price in prices.items()
        },
    )


def change_providers(world: World, changes: Mapping[str, Mapping[str, Any]]) -> None:
    providers = {
        name: one.model_copy(update=changes.get(name, {}))
        for name, one in world.settings.providers.items()
    }
    world.settings = world.settings.model_copy(update={"providers": providers})


def approve(world: World, uuid: UUID) -> None:
    with world.database.writing() as session:
        make = Factory(session)
        organisation = session.get_one(Organisation, world.organisation_id)
        appliance = by_uuid(session, uuid, lock=True)
        assert appliance is not None
        number = session.scalar(select(func.count()).select_from(Message))
        admin = make.member(organisation, f"pi{number}", "admin")
        commands.approve(session, admin, appliance, world.clock())


def mails(world: World) -> list[Message]:
    with world.database.reading() as session:
        found = session.query(Message).order_by(Message.id).all()
        session.expunge_all()
        return list(found)


@pytest.fixture
def full(world: World) -> World:
    """The private cloud is full, and there is an administrator to ask for the public one."""
    set_terms(world, overflow="ask")
    set_prices(world, public=DEAR)
    faulty(world, before={"create": Full("its quota is used up")})
    with world.database.writing() as session:
        organisation = session.get_one(Organisation, world.organisation_id)
        Factory(session).member(organisation, "head", "admin")
    return world


def test_it_waits_for_approval_and_then_runs(full: World) -> None:
    uuid = full.launch()
    full.go_on(1)
    row = full.row(uuid)
    assert (row.state, row.provider_id) == ("requested", None)
    assert row.problem == (
        "It waits for an administrator's approval to use Public cloud "
        "(about 365.00 EUR a month). Private cloud: was full at 12:00 UTC."
    )
    for _ in range(3):
        look_again(full)
        full.look()
    assert [mail.to for mail in mails(full)] == ["head@example.org"], "one, however long it waits"
    approve(full, uuid)
    full.go_on()
    assert full.state(uuid) == "running"
    assert full.row(uuid).problem == ""
    assert full.history(uuid)[1] == (
        "provisioning",
        "Public cloud: used because Private cloud is full and an administrator approved it",
    )


def test_where_there_is_room_meanwhile_nobody_needs_to_approve(full: World) -> None:
    uuid = full.launch()
    full.go_on(1)
    full.go_on(70)
    assert full.history(uuid)[1] == ("provisioning", "Private cloud: chosen, first by priority")
    assert full.state(uuid) == "running"


def test_only_the_one_that_was_approved_goes_there(full: World) -> None:
    first, second = full.launch(), full.launch()
    full.go_on(1)
    assert len(mails(full)) == 2, "one for each"
    approve(full, first)
    full.go_on()
    assert [full.state(uuid) for uuid in (first, second)] == ["running", "requested"]


def test_another_consent_lets_what_waits_go_on_at_once(full: World) -> None:
    uuid = full.launch()
    full.go_on(1)
    set_terms(full, overflow="auto", provider="public")
    full.go_on(4)
    assert full.state(uuid) == "running"


def test_where_data_may_not_lie_nothing_is_made(world: World) -> None:
    change_providers(world, {"private": {"location": "us"}, "public": {"location": "uk"}})
    set_terms(world, locations=("uk",))
    uuid = world.launch()
    world.go_on()
    assert world.history(uuid)[1] == (
        "provisioning",
        "Public cloud: used because Private cloud is not where the data may lie "
        "and the organisation consents to overflow",
    )
    set_terms(world, locations=("eu",))
    world.want(uuid, "stopped")
    world.go_on()
    assert world.state(uuid) == "stopped", "what is there stays there"
    nowhere = world.launch()
    world.go_on()
    assert world.state(nowhere) == "failed"


def test_no_more_is_promised_than_the_budget_has(world: World) -> None:
    set_prices(world, private=DEAR, public=DEAR)
    set_terms(world, budget=int(DEAR * HOURS_LEFT * 2))
    reckon(world)
    uuids = [world.launch() for _ in range(3)]
    world.go_on()
    one, other, waiting = sorted(uuids, key=lambda uuid: world.state(uuid) != "running")
    assert [world.state(uuid) for uuid in (one, other)] == ["running", "running"]
    assert "of the organisation's budget is free" in world.row(waiting).problem
    world.want(one, "deleted")
    world.go_on(70)
    assert world.state(waiting) == "running", "its money is free again"


def test_of_many_that_are_placed_at_once_none_passes_the_budget(world: World) -> None:
    set_prices(world, private=DEAR, public=DEAR)
    set_terms(world, budget=int(DEAR * HOURS_LEFT * 2))
    reckon(world)
    uuids = [world.launch() for _ in range(6)]
    loop = world.loop()
    loop.once()
    loop.drain(5)
    assert sum(world.row(uuid).provider_id is not None for uuid in uuids) == 2


# --- the reconciler of budgets --------------------------------------------------------------------


def claims(world: World) -> list[work.Claim]:
    with world.database.writing() as session:
        return list(work.claim(session, Budget, world.clock(), 15, 10))


def reckon(world: World) -> None:
    for claim in claims(world):
        BudgetReconciler(world.context).reconcile(claim)


def budget(world: World) -> Budget:
    with world.database.reading() as session:
        found = budget_of(session, world.organisation_id)
        assert found is not None
        session.expunge_all()
        return found


def test_what_was_spent_is_reckoned_every_hour(world: World) -> None:
    set_prices(world, private=DEAR)
    set_terms(world, budget=1000)
    reckon(world)
    assert (budget(world).spent_cents, budget(world).spent_at) == (0, world.clock())
    world.launch()
    world.go_on()
    world.clock.advance(RECKONED_SECONDS - 9)
    assert claims(world) == [], "not yet"
    world.clock.advance(RECKONED_SECONDS)
    reckon(world)
    assert 95 <= budget(world).spent_cents <= 100, "two hours but for the boot"


def test_a_budget_that_was_taken_back_is_reckoned_no_more(world: World) -> None:
    set_terms(world, budget=1000)
    (claim,) = claims(world)
    set_terms(world, budget=None)
    with pytest.raises(ClaimLost):
        BudgetReconciler(world.context).reconcile(claim)


def test_a_reckoning_that_stumbles_is_tried_again(world: World) -> None:
    set_terms(world, budget=1000)
    (claim,) = claims(world)
    outcome = BudgetReconciler(world.context).stumbled(claim)
    row = budget(world)
    assert row.attempt == 1
    assert row.due_at is not None
    assert (row.due_at - world.clock()).total_seconds() == pytest.approx(outcome.after, abs=1e-3)
