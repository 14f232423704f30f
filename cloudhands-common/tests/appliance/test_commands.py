from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudhands.common import history
from cloudhands.common.account import keys
from cloudhands.common.actor.tables import User
from cloudhands.common.address.tables import HeldAddress
from cloudhands.common.appliance import commands
from cloudhands.common.appliance.commands import PERMISSION_FOR, Goal, Launch, can_retry
from cloudhands.common.appliance.queries import addresses_of, by_uuid, listed, living_node
from cloudhands.common.appliance.states import APPLIANCE, GOALS
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.catalogue.queries import every
from cloudhands.common.db import Database
from cloudhands.common.errors import Conflict, Forbidden, InvalidInput, LimitReached, NotFound
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.commands import provider
from cloudhands.common.testing.factories import KEY, NOON, Factory

LATER = NOON + timedelta(minutes=1)


@dataclass
class Scene:
    session: Session
    make: Factory
    organisation: Organisation
    owner: User
    appliance: Appliance

    def put(self, state: str, goal: str = "running") -> Appliance:
        """The appliance as if it had come to a state, with nothing due."""
        self.appliance.state, self.appliance.goal = state, goal
        self.appliance.due_at = None
        self.session.flush()
        return self.appliance


@pytest.fixture
def scene(database: Database) -> Iterator[Scene]:
    with database.writing() as session:
        make = Factory(session)
        organisation = make.organisation(limit=3)
        owner = make.member(organisation, "alice")
        yield Scene(session, make, organisation, owner, make.appliance(organisation, owner))


def test_a_launch_freezes_what_was_chosen(scene: Scene) -> None:
    keys.add_key(scene.session, scene.owner, keys.NewKey(label="laptop", key=KEY), NOON)
    (item,) = every(scene.session)
    wanted = Launch(label="Mine", size="small")
    made = commands.launch(scene.session, scene.owner, scene.organisation, item, wanted, LATER)
    item.definition = {}
    scene.session.flush()
    assert (made.state, made.goal, made.generation) == ("requested", "running", 1)
    assert made.definition["images"]["private"] == "debian-12"
    assert made.authorized_keys == [KEY]
    assert (made.due_at, made.created_at) == (LATER, LATER)
    (event,) = history.latest(scene.session, made.uuid)
    assert (event.who, event.to_state, event.why) == (
        *("Alice", "requested", "asked for Analysis desktop, small"),
    )


def test_a_size_that_the_item_lacks(scene: Scene) -> None:
    with pytest.raises(InvalidInput, match="Analysis desktop has no size 'huge'"):
        scene.make.appliance(scene.organisation, scene.owner, size="huge")
    assert scene.organisation.appliances_used == 1


def test_no_more_than_the_limit(scene: Scene) -> None:
    for _ in range(2):
        scene.make.appliance(scene.organisation, scene.owner)
    with pytest.raises(LimitReached):
        scene.make.appliance(scene.organisation, scene.owner)
    assert len(listed(scene.session, scene.organisation.id)) == 3


def test_a_stranger_may_not_launch(scene: Scene) -> None:
    with pytest.raises(NotFound):
        scene.make.appliance(scene.organisation, scene.make.user())


@pytest.mark.parametrize("goal", PERMISSION_FOR)
@pytest.mark.parametrize("state", sorted(APPLIANCE.states))
def test_a_goal_is_taken_or_refused_by_the_state(scene: Scene, state: str, goal: Goal) -> None:
    appliance = scene.put(state)
    possible = goal in GOALS[state] | {"running"}
    if possible:
        commands.set_goal(scene.session, scene.owner, appliance, goal, LATER)
    else:
        with pytest.raises(Conflict, match=f"is {state} and cannot"):
            commands.set_goal(scene.session, scene.owner, appliance, goal, LATER)
    changed = possible and goal != "running"
    assert appliance.goal == (goal if changed else "running")
    assert appliance.due_at == (LATER if changed else None)
    assert appliance.state == state, "only cloud-burst moves it"


def test_a_goal_that_is_set_twice_is_one_wish(scene: Scene) -> None:
    appliance = scene.put("running")
    for _ in range(2):
        commands.set_goal(scene.session, scene.owner, appliance, "stopped", LATER)
    assert appliance.wanted_version == 2
    events = history.latest(scene.session, appliance.uuid)
    assert [event.why for event in events] == ["asked to stop", "asked for Analysis desktop, small"]


def test_a_deletion_is_not_taken_back(scene: Scene) -> None:
    appliance = scene.put("running", goal="deleted")
    with pytest.raises(Conflict, match="is being deleted and cannot start any more"):
        commands.set_goal(scene.session, scene.owner, appliance, "running", LATER)
    commands.set_goal(scene.session, scene.owner, appliance, "deleted", LATER)
    assert appliance.due_at is None


def test_who_may_set_a_goal(scene: Scene) -> None:
    appliance = scene.put("running")
    colleague = scene.make.member(scene.organisation)
    with pytest.raises(Forbidden):
        commands.set_goal(scene.session, colleague, appliance, "stopped", LATER)
    with pytest.raises(NotFound):
        commands.set_goal(scene.session, scene.make.user(), appliance, "stopped", LATER)
    administrator = scene.make.member(scene.organisation, role="admin")
    commands.set_goal(scene.session, administrator, appliance, "stopped", LATER)
    assert appliance.goal == "stopped"


def test_a_retry_is_a_new_generation(scene: Scene) -> None:
    appliance = scene.put("failed", goal="stopped")
    appliance.problem = "The cloud is busy."
    assert can_retry(appliance)
    commands.retry(scene.session, scene.owner, appliance, LATER)
    assert (appliance.goal, appliance.generation, appliance.problem) == ("running", 2, "")
    assert appliance.due_at == LATER
    assert appliance.state == "failed", "only cloud-burst moves it"
    event = history.latest(scene.session, appliance.uuid)[0]
    assert (event.who, event.from_state, event.to_state, event.why) == (
        *("Alice", "failed", "failed", "asked to try again"),
    )


def test_a_second_retry_is_refused_until_the_first_has_begun(scene: Scene) -> None:
    appliance = scene.put("failed")
    commands.retry(scene.session, scene.owner, appliance, LATER)
    assert not can_retry(appliance)
    with pytest.raises(Conflict, match="is to be tried again already"):
        commands.retry(scene.session, scene.owner, appliance, LATER)
    assert appliance.generation == 2
    appliance.seen_generation = 2
    assert can_retry(appliance), "it has failed again"


def test_what_is_to_be_tried_again_can_be_deleted(scene: Scene) -> None:
    appliance = scene.put("failed")
    commands.retry(scene.session, scene.owner, appliance, LATER)
    commands.set_goal(scene.session, scene.owner, appliance, "deleted", LATER)
    assert appliance.goal == "deleted"


@pytest.mark.parametrize("state", sorted(APPLIANCE.states - {"failed"}))
def test_what_has_not_failed_is_not_tried_again(scene: Scene, state: str) -> None:
    appliance = scene.put(state)
    assert not can_retry(appliance)
    with pytest.raises(Conflict, match="has not failed"):
        commands.retry(scene.session, scene.owner, appliance, LATER)


def test_what_is_to_be_deleted_is_not_tried_again(scene: Scene) -> None:
    appliance = scene.put("failed", goal="deleted")
    assert not can_retry(appliance)
    with pytest.raises(Conflict, match="is to be deleted already"):
        commands.retry(scene.session, scene.owner, appliance, LATER)


def test_what_is_deleted_is_not_listed(scene: Scene) -> None:
    assert [row.uuid for row in listed(scene.session, scene.organisation.id)] == [
        scene.appliance.uuid
    ]
    scene.put("deleted", goal="deleted")
    assert listed(scene.session, scene.organisation.id) == []
    assert by_uuid(scene.session, scene.appliance.uuid) is scene.appliance


def test_the_database_forbids_two_living_nodes(scene: Scene) -> None:
    scene.session.add(node(scene))
    scene.session.flush()
    assert living_node(scene.session, scene.appliance) is not None
    with pytest.raises(IntegrityError), scene.session.begin_nested():
        scene.session.add(node(scene))


def test_the_database_forbids_an_address_held_twice(scene: Scene) -> None:
    first, second = node(scene, ended_at=NOON), node(scene)
    scene.session.add_all([first, second])
    scene.session.flush()
    scene.session.add_all([held(first, released_at=LATER), held(second)])
    scene.session.flush()
    assert addresses_of(scene.session, scene.appliance.id) == ["10.0.0.2"]
    with pytest.raises(IntegrityError), scene.session.begin_nested():
        scene.session.add(held(first))


def node(scene: Scene, ended_at: datetime | None = None) -> Node:
    return Node(
        appliance_id=scene.appliance.id,
        generation=1,
        provider_id=provider(scene.session, "private", NOON).id,
        made_at=NOON,
        ended_at=ended_at,
    )


def held(by: Node, released_at: datetime | None = None) -> HeldAddress:
    return HeldAddress(
        provider_id=by.provider_id,
        network="private",
        address="10.0.0.2",
        node_id=by.id,
        held_at=NOON,
        released_at=released_at,
    )
