from datetime import timedelta

import pytest

from cloudhands.common import history
from cloudhands.common.appliance import commands as appliances
from cloudhands.common.appliance.commands import can_retry, possible_goals
from cloudhands.common.errors import Conflict, Forbidden, NotFound
from cloudhands.common.expiry import commands as expiry
from cloudhands.common.expiry.tables import Expiry
from cloudhands.common.testing.factories import ITEM, NOON, Factory

DAY = timedelta(days=1)


class Scene:
    def __init__(self, session):
        self.session, self.make = session, Factory(session)
        self.organisation = self.make.organisation()
        self.owner = self.make.member(self.organisation)

    def launch(self, days=30, item_days=None):
        definition = ITEM.model_copy(update={"lifetime_days": item_days})
        item, wanted = self.make.item(definition), appliances.Launch(label="mine", size="small")
        return appliances.launch(
            self.session, self.owner, self.organisation, item, wanted, NOON, days
        )

    def extend(self, appliance, days=30, now=NOON, by=None):
        expiry.extend(self.session, by or self.owner, appliance, days, now)

    def touches(self, appliance):
        self.session.flush()
        return [event.why for event in history.latest(self.session, appliance.uuid)]

    def rows(self):
        self.session.flush()
        return self.session.query(Expiry).all()


@pytest.fixture
def scene(rolled_back):
    return Scene(rolled_back)


@pytest.mark.parametrize(
    ("days", "item_days", "lasting"), [(30, None, 30), (30, 5, 5), (None, 5, 5), (None, None, None)]
)
def test_the_item_says_how_long_or_else_the_settings(scene, days, item_days, lasting):
    appliance = scene.launch(days, item_days)
    assert appliance.expires_at == (NOON + lasting * DAY if lasting else None)
    assert [row.due_at for row in scene.rows()] == ([NOON] if lasting else [])


def test_extend_gives_what_a_new_one_has(scene):
    appliance = scene.launch(item_days=10)
    (row,) = scene.rows()
    row.reminded_days, row.reminded_at, row.due_at = 7, NOON, None
    before = appliance.version, appliance.wanted_version
    now = NOON + 5 * DAY
    scene.extend(appliance, now=now)
    assert appliance.expires_at == NOON + 15 * DAY
    assert scene.touches(appliance)[0] == "extended until 16 March 2026, 12:00 UTC"
    assert (appliance.version, appliance.wanted_version) == (before[0] + 1, before[1] + 1)
    assert (row.reminded_days, row.reminded_at, row.set_at, row.due_at) == (None, None, now, now)


def test_who_extends_twice_extends_once(scene):
    appliance = scene.launch()
    for minutes in (0, 1, 59):
        scene.extend(appliance, now=NOON + timedelta(minutes=minutes))
    assert appliance.expires_at == NOON + 30 * DAY
    assert len(scene.touches(appliance)) == 1


def test_extending_never_takes_time_away(scene):
    appliance = scene.launch(30)
    scene.extend(appliance, days=3)
    assert appliance.expires_at == NOON + 30 * DAY


def test_where_nothing_expires_any_more_an_extension_is_for_ever(scene):
    appliance = scene.launch(30)
    scene.extend(appliance, days=None)
    assert (appliance.expires_at, len(scene.rows())) == (None, 1)
    assert scene.touches(appliance)[0] == "extended: it does not expire any more"
    with pytest.raises(Conflict, match="does not expire"):
        scene.extend(appliance)


def test_what_is_to_be_deleted_is_not_extended(scene):
    appliance = scene.launch()
    appliances.set_goal(scene.session, scene.owner, appliance, "deleted", NOON)
    with pytest.raises(Conflict, match="is deleted, or is going to be"):
        scene.extend(appliance)


def test_owner_and_administrator_may_extend_and_nobody_else(scene):
    appliance, later = scene.launch(), NOON + DAY
    scene.extend(appliance, now=later, by=scene.make.member(scene.organisation, role="admin"))
    with pytest.raises(Forbidden):
        scene.extend(appliance, by=scene.make.member(scene.organisation))
    with pytest.raises(NotFound):
        scene.extend(appliance, by=scene.make.user())
    with pytest.raises(NotFound):
        expiry.expire(scene.session, scene.make.operator, appliance, later, later)


def test_what_has_expired_neither_starts_nor_is_tried_again_before_it_is_extended(scene):
    appliance = scene.launch()
    appliance.state = "running"
    expiry.expire(scene.session, scene.make.burst, appliance, NOON + 7 * DAY, NOON)
    assert appliance.goal == "stopped"
    appliance.state = "stopped"
    assert possible_goals(appliance) == {"deleted"}
    with pytest.raises(Conflict, match="Extend it first"):
        appliances.set_goal(scene.session, scene.owner, appliance, "running", NOON)
    scene.extend(appliance, now=NOON + DAY)
    appliances.set_goal(scene.session, scene.owner, appliance, "running", NOON)
    assert appliance.goal == "running"
    appliance.state = "failed"
    assert can_retry(appliance)
    expiry.expire(scene.session, scene.make.burst, appliance, NOON + 7 * DAY, NOON)
    assert appliance.goal == "running", "nothing of it runs"
    assert not can_retry(appliance)
    with pytest.raises(Conflict, match="then it can be tried again"):
        appliances.retry(scene.session, scene.owner, appliance, NOON)
