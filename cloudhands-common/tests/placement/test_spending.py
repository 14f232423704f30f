"""What is left of a budget, and what a person is told before launching."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from cloudhands.common.appliance.states import APPLIANCE
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.limits import Limits
from cloudhands.common.machine import move
from cloudhands.common.organisation import commands as organisations
from cloudhands.common.placement import spending
from cloudhands.common.placement.commands import Terms, set_terms
from cloudhands.common.placement.queries import Preflight, budget_of, preflight
from cloudhands.common.provider.commands import provider
from cloudhands.common.provider.queries import subscriptions_of
from cloudhands.common.settings import Price, Settings
from cloudhands.common.testing.factories import ITEM, NOON, PROVIDERS, Factory

HOUR = timedelta(hours=1)
ENDS = datetime(2026, 4, 1, tzinfo=NOON.tzinfo)
PRICES = {"private": "0.10", "public": "0.50"}
SETTINGS = Settings(
    providers={
        name: one.model_copy(
            update={"prices": (Price(size="m1.small", running=Decimal(PRICES[name])),)}
        )
        for name, one in PROVIDERS.items()
    }
)


class Scene:
    """An organisation with a budget of 100."""

    def __init__(self, session: Session) -> None:
        self.session, self.make = session, Factory(session)
        self.organisation = self.make.organisation("physics")
        self.member = self.make.member(self.organisation)
        self.set_terms(Terms(budget=100))

    def set_terms(self, terms: Terms) -> None:
        self.session.flush()
        set_terms(self.session, self.make.operator, self.organisation, terms, NOON)
        self.session.flush()

    def running(self, name: str, since: datetime = NOON) -> Appliance:
        appliance = self.make.appliance(self.organisation, self.member)
        appliance.provider_id = provider(self.session, name, NOON).id
        appliance.seen_size = "small"
        for state in ("provisioning", "running"):
            move(self.session, APPLIANCE, appliance, state, self.make.burst, "so it is", since)
        self.session.flush()
        return appliance

    def left(self, now: datetime, without: int | None = None) -> Decimal | None:
        return spending.left(self.session, SETTINGS, self.organisation.id, now, without=without)

    def reckon(self, now: datetime) -> int:
        """As cloud-burst does."""
        budget = budget_of(self.session, self.organisation.id)
        assert budget is not None
        cents = spending.reckon(self.session, SETTINGS, self.organisation.id, now)
        budget.spent_cents, budget.spent_at = cents, now
        self.session.flush()
        return cents

    def preflight(self) -> Preflight:
        (found,) = preflight(
            self.session,
            SETTINGS,
            self.organisation.id,
            ITEM.model_dump(mode="json"),
            ENDS - 100 * HOUR,
        )
        return found


@pytest.fixture
def scene(rolled_back: Session) -> Scene:
    return Scene(rolled_back)


def test_no_budget_no_bound(scene: Scene) -> None:
    scene.set_terms(Terms(budget=None))
    assert scene.left(NOON) is None


def test_what_is_there_is_paid_to_the_months_end(scene: Scene) -> None:
    scene.reckon(ENDS - 100 * HOUR)
    assert scene.left(ENDS - 100 * HOUR) == 100
    appliance = scene.running("public", ENDS - 100 * HOUR)
    assert scene.left(ENDS - 99 * HOUR) == 50, "100 hours at 0.50"
    assert scene.left(ENDS - 99 * HOUR, without=appliance.id) == 100
    scene.running("private", ENDS - 100 * HOUR)
    assert scene.left(ENDS - 99 * HOUR) == 40


def test_a_reckoning_changes_nothing_for_what_goes_on(scene: Scene) -> None:
    scene.reckon(ENDS - 100 * HOUR)
    scene.running("public", ENDS - 100 * HOUR)
    before = scene.left(ENDS - 60 * HOUR)
    assert scene.reckon(ENDS - 60 * HOUR) == 2000
    assert scene.left(ENDS - 60 * HOUR) == before == 50


def test_what_ended_costs_what_it_ran_once_it_is_reckoned(scene: Scene) -> None:
    scene.reckon(ENDS - 100 * HOUR)
    appliance = scene.running("public", ENDS - 100 * HOUR)
    for state in ("deleting", "deleted"):
        now = ENDS - 60 * HOUR
        move(scene.session, APPLIANCE, appliance, state, scene.make.burst, "so it is", now)
    appliance.provider_id = None
    scene.session.flush()
    assert scene.left(ENDS - 60 * HOUR) == 100, "not known before the next reckoning"
    scene.reckon(ENDS - 59 * HOUR)
    assert scene.left(ENDS - 59 * HOUR) == 80


def test_another_month_begins_anew(scene: Scene) -> None:
    scene.running("private", NOON)
    assert scene.reckon(NOON + 100 * HOUR) == 1000
    assert scene.left(ENDS + HOUR) == 100 - 30 * 24 * Decimal("0.10")


def test_one_that_was_never_reckoned_counts_from_the_months_beginning(scene: Scene) -> None:
    scene.running("private", ENDS - HOUR)
    assert scene.left(ENDS - HOUR) == 100 - 31 * 24 * Decimal("0.10")


# --- beforehand -----------------------------------------------------------------------------------


def test_a_person_is_told_where_it_would_go(scene: Scene) -> None:
    scene.reckon(ENDS - 100 * HOUR)
    found = scene.preflight()
    assert found.sentence == "It would go to Private cloud: chosen, first by priority."
    assert found.chosen is not None
    assert found.chosen.candidate.price == Decimal("0.10")


def test_a_person_is_told_that_there_is_no_money(scene: Scene) -> None:
    scene.set_terms(Terms(budget=9))
    scene.reckon(ENDS - 100 * HOUR)
    found = scene.preflight()
    assert found.chosen is None
    assert found.sentence == "No cloud can take it now; it would wait for one."
    assert [verdict.sentence for verdict in found.choice.verdicts] == [
        "Private cloud: would cost 10.00 EUR until the month ends, "
        "and 9.00 EUR of the organisation's budget is free",
        "Public cloud: would cost 50.00 EUR until the month ends, "
        "and 9.00 EUR of the organisation's budget is free",
    ]


def test_a_person_is_told_that_the_organisation_has_no_more(scene: Scene) -> None:
    operator = scene.make.operator
    wanted = Limits(appliances=0)
    organisations.set_limits(scene.session, operator, scene.organisation, wanted, NOON)
    found = scene.preflight()
    assert found.chosen is None
    assert found.sentence == "The organisation has used up its limit of 0 appliances."


def test_a_person_is_told_that_it_would_have_to_be_approved(scene: Scene) -> None:
    scene.reckon(ENDS - 100 * HOUR)
    scene.set_terms(Terms(overflow="ask"))
    subscriptions_of(scene.session, scene.organisation.id)[0].state = "inactive"
    found = scene.preflight()
    assert found.chosen is None
    assert found.sentence == (
        "It would wait for an administrator's approval to use Public cloud "
        "(about 365.00 EUR a month)."
    )


def test_a_quota_is_remembered_for_a_few_minutes(scene: Scene) -> None:
    scene.reckon(ENDS - 100 * HOUR)
    subscription = subscriptions_of(scene.session, scene.organisation.id)[0]
    subscription.quota = {"vcpus": {"used": 4, "limit": 4}}
    for minutes, cloud in ((1, "public"), (6, "private")):
        subscription.read_at = ENDS - 100 * HOUR - timedelta(minutes=minutes)
        found = scene.preflight()
        assert found.chosen is not None
        assert found.chosen.candidate.provider == cloud


@contextmanager
def counted(session: Session) -> Iterator[list[str]]:
    made: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        made.append(statement)

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", note)
    try:
        yield made
    finally:
        event.remove(connection, "before_cursor_execute", note)


def test_the_look_beforehand_takes_four_queries_whatever_there_is(scene: Scene) -> None:
    for _ in range(6):
        scene.running("private")
    scene.session.flush()
    scene.session.expunge_all()
    organisation_id = scene.organisation.id
    definition = ITEM.model_dump(mode="json")
    definition["sizes"] = {f"s{n}": definition["sizes"]["small"] for n in range(9)}
    with counted(scene.session) as made:
        found = preflight(scene.session, SETTINGS, organisation_id, definition, NOON)
    assert len(found) == 9
    assert len(made) == 4, made
