"""`limits`: a share is taken whole or not at all, and given back once."""

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudhands.common import history, limits
from cloudhands.common.actor.commands import component
from cloudhands.common.actor.queries import BURST
from cloudhands.common.catalogue.queries import amounts
from cloudhands.common.db import Database
from cloudhands.common.errors import LimitReached, NotFound
from cloudhands.common.limits import WORDS, Amounts, Limits
from cloudhands.common.organisation import commands
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider import commands as providers
from cloudhands.common.provider.queries import subscriptions_of
from cloudhands.common.testing.factories import ITEM, NOON, Factory
from cloudhands.common.testing.plans import counted

ONE = Amounts(appliances=1, vcpus=2, memory_mb=2048, storage_gb=10, addresses=1)


def reserve(session: Session, organisation: Organisation, share: Amounts = ONE) -> None:
    limits.reserve(session, Organisation, organisation.id, share, organisation.title)


def give_back(session: Session, organisation: Organisation, share: Amounts = ONE) -> None:
    limits.give_back(session, Organisation, organisation.id, share)


def used(session: Session, organisation: Organisation) -> Amounts:
    session.refresh(organisation)
    return Amounts(**{use.name: use.used for use in organisation.uses})


def lower(session: Session, organisation: Organisation, **wanted: int | None) -> None:
    operator = Factory(session).operator
    commands.set_limits(session, operator, organisation, Limits(**wanted), NOON)
    session.flush()


def test_a_share_is_taken_and_given_back(database: Database) -> None:
    with database.writing() as session:
        organisation = Factory(session).organisation(limit=2)
        reserve(session, organisation)
        reserve(session, organisation)
        assert used(session, organisation) == Amounts(2, 4, 4096, 20, 2)
        with pytest.raises(LimitReached, match="Organisation1 has used up its limit of 2 appl"):
            reserve(session, organisation)
        give_back(session, organisation)
        assert used(session, organisation) == ONE
        reserve(session, organisation)


@pytest.mark.parametrize("name", WORDS)
def test_each_thing_has_a_limit_of_its_own(database: Database, name: str) -> None:
    with database.writing() as session:
        organisation = Factory(session).organisation(limit=100)
        reserve(session, organisation)
        share = getattr(ONE, name)
        lower(session, organisation, **{name: 2 * share - 1})
        before = used(session, organisation)
        with pytest.raises(LimitReached, match=WORDS[name]):
            reserve(session, organisation)
        assert used(session, organisation) == before
        lower(session, organisation, **{name: 2 * share})
        reserve(session, organisation)


def test_what_is_left_is_told(database: Database) -> None:
    with database.writing() as session:
        organisation = Factory(session).organisation("physics")
        lower(session, organisation, memory_mb=5000)
        reserve(session, organisation)
        reserve(session, organisation)
        words = "Physics has 904 of 5,000 MB of memory left, and this takes 2,048"
        with pytest.raises(LimitReached, match=words):
            reserve(session, organisation)


def test_a_limit_below_use_stops_new_requests_only(database: Database) -> None:
    with database.writing() as session:
        organisation = Factory(session).organisation()
        reserve(session, organisation)
        reserve(session, organisation)
        lower(session, organisation, vcpus=1)
        with pytest.raises(LimitReached, match="used up its limit of 1 vCPUs"):
            reserve(session, organisation)
        # What takes none of it is not stopped.
        reserve(session, organisation, ONE._replace(vcpus=0))
        give_back(session, organisation)
        give_back(session, organisation)
        with pytest.raises(LimitReached):
            reserve(session, organisation)
        lower(session, organisation, vcpus=None)
        reserve(session, organisation)


def test_what_was_not_taken_cannot_be_given_back(database: Database) -> None:
    with database.writing() as session:
        organisation = Factory(session).organisation()
        organisation_id = organisation.id
    with pytest.raises(IntegrityError, match="_used"), database.writing() as session:
        limits.give_back(session, Organisation, organisation_id, ONE)


def test_a_change_of_limits_stands_in_history(database: Database) -> None:
    with database.writing() as session:
        organisation = Factory(session).organisation(limit=20)
        lower(session, organisation, vcpus=8, appliances=20)
        lower(session, organisation, vcpus=8)
        (event, _) = history.latest(session, organisation.uuid)
    assert event.why == "limits: vCPUs: 8 instead of no limit"


def test_only_an_operator_changes_limits(database: Database) -> None:
    with database.writing() as session:
        make = Factory(session)
        organisation = make.organisation()
        subscription = subscriptions_of(session, organisation.id)[0]
        actors = (make.member(organisation, role="admin"), component(session, BURST, NOON))
        for actor in actors:
            with pytest.raises(NotFound):
                commands.set_limits(session, actor, organisation, Limits(vcpus=1), NOON)
            with pytest.raises(NotFound):
                providers.set_limits(session, actor, subscription, Limits(vcpus=1), NOON)
        assert organisation.vcpus_limit is subscription.vcpus_limit is None


def test_the_limits_of_a_subscription(database: Database) -> None:
    with database.writing() as session:
        make = Factory(session)
        subscription = subscriptions_of(session, make.organisation().id)[0]
        providers.set_limits(session, make.operator, subscription, Limits(storage_gb=15), NOON)
        session.flush()
        assert limits.shortage(subscription, ONE) == ""
        assert "left, and this takes 20" in limits.shortage(
            subscription, ONE._replace(storage_gb=20)
        )
        assert history.latest(session, subscription.uuid)[0].why.startswith("limits: GB of storage")


def test_what_an_item_takes() -> None:
    definition = ITEM.model_dump(mode="json")
    assert amounts(definition, "small") == Amounts(1, 1, 2048, 10, 0)
    assert amounts({**definition, "external_address": True}, "small").addresses == 1


def test_a_launch_takes_its_share(database: Database) -> None:
    with database.writing() as session:
        make = Factory(session)
        organisation = make.organisation()
        make.appliance(organisation, make.member(organisation))
        assert used(session, organisation) == Amounts(1, 1, 2048, 10, 0)


def test_what_was_read_of_a_row_is_told_at_once(database: Database) -> None:
    with database.writing() as session:
        organisation = Factory(session).organisation(limit=9)
        session.flush()
        session.refresh(organisation)
        with counted(session) as made:
            reserve(session, organisation)
            reserve(session, organisation)
            give_back(session, organisation)
            assert Amounts(**{use.name: use.used for use in organisation.uses}) == ONE
        assert len(made) == 3


def test_what_a_savepoint_took_is_given_back_with_it(database: Database) -> None:
    with database.writing() as session:
        organisation = Factory(session).organisation(limit=9)
        reserve(session, organisation)
        savepoint = session.begin_nested()
        reserve(session, organisation)
        savepoint.rollback()
        assert organisation.vcpus_used == ONE.vcpus
        assert used(session, organisation) == ONE
