"""What is left of a budget, and what a person is told before launching."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from cloudhands.common import db, limits
from cloudhands.common.appliance.states import APPLIANCE
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.db import Database
from cloudhands.common.limits import Limits
from cloudhands.common.machine import move
from cloudhands.common.organisation import commands as organisations
from cloudhands.common.placement import spending
from cloudhands.common.placement.commands import Terms, set_terms
from cloudhands.common.placement.gathering import circumstances
from cloudhands.common.placement.queries import Preflight, budget_of, preflight
from cloudhands.common.provider.commands import provider, set_limits
from cloudhands.common.provider.queries import subscriptions_of
from cloudhands.common.provider.tables import Subscription
from cloudhands.common.settings import Price, Settings
from cloudhands.common.testing.databases import SECRET
from cloudhands.common.testing.factories import ITEM, NOON, PROVIDERS, Factory
from cloudhands.common.testing.plans import counted

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
        budget = budget_of(self.session, self.organisation.id)
        if budget is None:
            return None
        return spending.left(self.session, SETTINGS, budget, now, without=without)

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


# --- many in one transaction ----------------------------------------------------------------------


def place(scene: Scene, appliance: Appliance) -> str:
    """As cloud-burst does; why there is no cloud for it, or nothing."""
    found = circumstances(
        scene.session,
        SETTINGS,
        scene.organisation.id,
        ENDS - 100 * HOUR,
        without=appliance.id,
        lock=True,
    )
    choice = found.choice(appliance.definition, appliance.size)
    if choice.chosen is None:
        return choice.sentence
    (used,) = (
        one for one in found.subscriptions if one.provider.name == choice.chosen.candidate.provider
    )
    limits.reserve(scene.session, Subscription, used.id, appliance.share, "it")
    appliance.provider_id, appliance.seen_size = used.provider_id, appliance.size
    return ""


@pytest.fixture
def several(scene: Scene) -> list[Appliance]:
    """Appliances to be placed in a session that writes at its end."""
    made = [scene.make.appliance(scene.organisation, scene.member) for _ in range(3)]
    scene.session.flush()
    scene.session.autoflush = False
    return made


def test_each_reckons_with_those_placed_before_it(scene: Scene, several: list[Appliance]) -> None:
    scene.reckon(ENDS - 100 * HOUR)
    scene.set_terms(Terms(budget=25))  # two at 0.10 an hour, of 100 hours
    assert [place(scene, one) for one in several[:2]] == ["", ""]
    assert "would cost 10.00 EUR until the month ends" in place(scene, several[2])


def test_each_sees_what_is_left_of_the_limits(scene: Scene, several: list[Appliance]) -> None:
    scene.set_terms(Terms(budget=None))
    private, public = subscriptions_of(scene.session, scene.organisation.id)
    set_limits(scene.session, scene.make.operator, private, Limits(appliances=2), NOON)
    scene.session.flush()
    assert place(scene, several[0]) == ""
    with counted(scene.session) as made:
        assert place(scene, several[1]) == ""
    assert len(made) == 1, "the share is reserved, and nothing is read again"
    assert place(scene, several[2]) == ""
    places = [one.provider_id for one in several]
    assert places == [private.provider_id, private.provider_id, public.provider_id]


def test_what_was_read_is_forgotten_with_the_transaction(database: Database) -> None:
    with Session(database.engine, info={db.SECRET: SECRET}) as session:
        scene = Scene(session)
        scene.set_terms(Terms(budget=None))
        appliance = scene.make.appliance(scene.organisation, scene.member)
        assert place(scene, appliance) == ""
        session.commit()
        scene.set_terms(Terms(locations=("mars",)))
        assert "must stay in mars" in place(scene, appliance)
