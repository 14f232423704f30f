"""Terms and approvals: who may, what is recorded, and what looks again."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.common import history
from cloudhands.common.actor.tables import User
from cloudhands.common.appliance import commands as appliances
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.errors import Conflict, Forbidden, NotFound
from cloudhands.common.history.verification import verify_within
from cloudhands.common.mail.tables import Message
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.placement import Candidate, Verdict, asking, queries
from cloudhands.common.placement.commands import Terms, approve, set_terms
from cloudhands.common.provider.queries import subscriptions_of
from cloudhands.common.testing.databases import SECRET
from cloudhands.common.testing.factories import NOON, Factory

TERMS = "Public cloud (about 73.00 EUR a month)"
LATER = NOON + timedelta(minutes=5)


class Scene:
    """An organisation with an administrator and a member, whose appliance waits for approval."""

    def __init__(self, session: Session) -> None:
        self.session, self.make = session, Factory(session)
        self.organisation = self.make.organisation("physics", overflow="ask")
        self.admin = self.make.member(self.organisation, "pi", "admin")
        self.member = self.make.member(self.organisation, "ada")
        self.appliance = self.make.asking(self.organisation, self.member, "mine")
        session.flush()

    def set_terms(self, provider: str = "", **wanted: Any) -> None:
        set_terms(
            self.session,
            self.make.operator,
            self.organisation,
            Terms(**wanted),
            LATER,
            provider=provider,
        )

    def rest(self) -> None:
        self.appliance.due_at = None
        self.session.flush()

    def whys(self, artifact: Any) -> list[str]:
        return [event.why for event in history.latest(self.session, artifact.uuid)]

    def mails(self) -> list[Message]:
        self.session.flush()
        return list(self.session.scalars(select(Message).order_by(Message.id)))


@pytest.fixture
def scene(rolled_back: Session) -> Scene:
    return Scene(rolled_back)


def ask(scene: Scene, appliance: Appliance, provider: str = "public") -> None:
    candidate = Candidate(provider, "A cloud", public=True, priority=1)
    asking.ask(scene.session, appliance, Verdict(candidate, "asks", asks="A cloud"), NOON)


# --- approvals ------------------------------------------------------------------------------------


def test_an_approval_is_recorded_and_wakes_the_appliance(scene: Scene) -> None:
    scene.rest()
    assert queries.waiting_in(scene.session, scene.organisation.id) == {scene.appliance.id: TERMS}
    approve(scene.session, scene.admin, scene.appliance, LATER)
    assert scene.whys(scene.appliance)[0] == f"approved the use of {TERMS}"
    assert (scene.appliance.due_at, scene.appliance.problem) == (LATER, "")
    assert queries.approved(scene.session, scene.appliance) == ["public"]
    assert queries.waiting_in(scene.session, scene.organisation.id) == {}
    assert queries.waiting_for(scene.session, scene.appliance.id) == ""


def test_it_is_approved_once(scene: Scene) -> None:
    approve(scene.session, scene.admin, scene.appliance, LATER)
    with pytest.raises(Conflict, match="mine does not wait for an approval"):
        approve(scene.session, scene.admin, scene.appliance, LATER)


def test_only_administrators_approve(scene: Scene) -> None:
    with pytest.raises(Forbidden):
        approve(scene.session, scene.member, scene.appliance, LATER)
    stranger: User = scene.make.user()
    with pytest.raises(NotFound):
        approve(scene.session, stranger, scene.appliance, LATER)
    assert queries.approved(scene.session, scene.appliance) == []


def test_an_approval_holds_for_one_try(scene: Scene) -> None:
    approve(scene.session, scene.admin, scene.appliance, LATER)
    scene.appliance.state = "failed"
    appliances.retry(scene.session, scene.member, scene.appliance, LATER)
    assert queries.approved(scene.session, scene.appliance) == []


def test_what_is_deleted_or_has_found_a_cloud_waits_no_more(scene: Scene) -> None:
    other = scene.make.asking(scene.organisation, scene.member)
    scene.session.flush()
    appliances.set_goal(scene.session, scene.member, scene.appliance, "deleted", LATER)
    other.provider_id = subscriptions_of(scene.session, scene.organisation.id)[0].provider_id
    scene.session.flush()
    assert queries.waiting_in(scene.session, scene.organisation.id) == {}
    with pytest.raises(Conflict):
        approve(scene.session, scene.admin, scene.appliance, LATER)


def test_every_administrator_gets_one_mail_for_each_try(scene: Scene) -> None:
    second = scene.make.member(scene.organisation, "second", "admin")
    scene.make.member(scene.make.organisation(), "elsewhere", "admin")
    (mail,) = scene.mails()
    assert (mail.to, mail.template) == ("pi@example.org", "approval-wanted")
    assert mail.values == {
        "appliance": str(scene.appliance.uuid),
        "label": "mine",
        "item": "Analysis desktop",
        "size": "small",
        "owner": "Ada",
        "organisation": "Physics",
        "terms": TERMS,
    }
    ask(scene, scene.appliance)
    assert len(scene.mails()) == 1, "it was asked already"
    scene.appliance.generation += 1
    scene.session.flush()
    ask(scene, scene.appliance)
    assert [mail.to for mail in scene.mails()[1:]] == ["pi@example.org", second.mail]
    assert not any("@" in (mail.once or "") for mail in scene.mails())


def test_an_administrator_without_an_address_hinders_nobody(scene: Scene) -> None:
    scene.admin.mail = ""
    scene.appliance.generation += 1
    scene.session.flush()
    ask(scene, scene.appliance)
    assert len(scene.mails()) == 1, "the one of before"
    assert queries.waiting_for(scene.session, scene.appliance.id) == "A cloud"


# --- terms ----------------------------------------------------------------------------------------


def test_terms_are_set_recorded_and_make_what_waits_look_again(scene: Scene) -> None:
    scene.rest()
    scene.set_terms(overflow="auto", budget=500, locations=("uk", "eu", "uk"))
    assert scene.organisation.locations == ["eu", "uk"]
    budget = queries.budget_of(scene.session, scene.organisation.id)
    assert budget is not None
    assert (budget.amount, budget.due_at, budget.spent_at) == (500, LATER, None)
    found = subscriptions_of(scene.session, scene.organisation.id)
    assert [one.overflow for one in found] == ["auto", "auto"]
    assert scene.whys(scene.organisation)[0] == (
        "terms: budget 500 a month instead of none; data in eu or uk instead of any place"
    )
    assert scene.whys(found[0])[0] == "overflow: auto instead of ask"
    assert scene.appliance.due_at == LATER


def test_what_is_not_named_stays(scene: Scene) -> None:
    scene.set_terms(budget=500, locations=("uk",))
    scene.set_terms(overflow="never", provider="public")
    found = subscriptions_of(scene.session, scene.organisation.id)
    assert [one.overflow for one in found] == ["ask", "never"]
    assert scene.organisation.locations == ["uk"]
    scene.set_terms(locations=())
    assert scene.organisation.locations == []
    budget = queries.budget_of(scene.session, scene.organisation.id)
    assert budget is not None
    assert budget.amount == 500
    scene.set_terms(budget=None)
    assert queries.budget_of(scene.session, scene.organisation.id) is None
    assert scene.whys(scene.organisation)[0] == "terms: budget none instead of 500 a month"


def test_the_history_of_terms_and_approvals_is_whole(scene: Scene) -> None:
    scene.set_terms(budget=500, overflow="auto", locations=("uk",))
    approve(scene.session, scene.admin, scene.appliance, LATER)
    scene.session.flush()
    assert verify_within(scene.session, SECRET).findings == []


def test_what_is_set_already_is_not_recorded(scene: Scene) -> None:
    before = scene.whys(scene.organisation)
    scene.set_terms(overflow="ask", budget=None, locations=())
    assert scene.whys(scene.organisation) == before


def test_only_an_operator_sets_terms(scene: Scene) -> None:
    organisation: Organisation = scene.organisation
    with pytest.raises(NotFound):
        set_terms(scene.session, scene.admin, organisation, Terms(budget=1), LATER)
    assert queries.budget_of(scene.session, organisation.id) is None
