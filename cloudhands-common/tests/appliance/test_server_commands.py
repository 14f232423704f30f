from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from cloudhands.common import history
from cloudhands.common.actor.tables import User
from cloudhands.common.appliance import server_commands
from cloudhands.common.appliance.commands import Launch, launch
from cloudhands.common.appliance.server_commands import Resize, can_reboot, can_resize
from cloudhands.common.appliance.states import APPLIANCE
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.catalogue.commands import ItemDefinition
from cloudhands.common.catalogue.queries import amounts
from cloudhands.common.cloud import Capabilities
from cloudhands.common.db import Database
from cloudhands.common.errors import Conflict, Forbidden, InvalidInput, LimitReached, NotFound
from cloudhands.common.limits import reserve
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.commands import provider, tell_capabilities
from cloudhands.common.provider.queries import subscription
from cloudhands.common.provider.tables import Provider, Subscription
from cloudhands.common.testing.factories import ITEM, NOON, Factory

LATER = NOON + timedelta(minutes=1)
SMALL = ITEM.model_dump()["sizes"]["small"]
TWO = ItemDefinition.model_validate(
    ITEM.model_dump()
    | {
        "sizes": {
            "small": SMALL,
            "large": SMALL | {"vcpus": 3, "on": {"private": "m1.large"}},
            "abroad": SMALL | {"on": {"public": "m1.large"}},
        }
    }
)
BOTH = Capabilities(resize=True, reboot=True)


@dataclass
class Scene:
    session: Session
    make: Factory
    organisation: Organisation
    owner: User
    appliance: Appliance

    @property
    def there(self) -> Subscription:
        assert self.appliance.provider_id is not None
        return subscription(self.session, self.organisation.id, self.appliance.provider_id)

    @property
    def vcpus(self) -> tuple[int, int]:
        """What is reserved of the organisation's limit, and of the one at the provider."""
        self.session.refresh(self.organisation)
        self.session.refresh(self.there)
        return self.organisation.vcpus_used, self.there.vcpus_used

    def reboot(self, by: User | None = None) -> None:
        server_commands.reboot(self.session, by or self.owner, self.appliance, LATER)

    def resize(self, size: str, by: User | None = None) -> None:
        wanted = Resize(size=size)
        server_commands.resize(self.session, by or self.owner, self.appliance, wanted, LATER)


@pytest.fixture
def scene(database: Database) -> Iterator[Scene]:
    """An appliance as if cloud-burst had brought it to run, at a cloud that can do both."""
    with database.writing() as session:
        make = Factory(session)
        organisation = make.organisation()
        owner = make.member(organisation, "alice")
        item = make.item(TWO)
        wanted = Launch(label="Mine", size="small")
        made = launch(session, owner, organisation, item, wanted, NOON)
        tell_capabilities(session, make.burst, "private", BOTH, NOON)
        made.provider, made.seen_size = provider(session, "private", NOON), "small"
        made.state, made.due_at = "running", None
        session.flush()
        scene = Scene(session, make, organisation, owner, made)
        share = amounts(made.definition, "small")
        reserve(session, Subscription, scene.there.id, share, "it")
        yield scene


def test_a_reboot_is_a_wish(scene: Scene) -> None:
    scene.reboot()
    assert (scene.appliance.reboots_wanted, scene.appliance.reboots_done) == (1, 0)
    assert (scene.appliance.due_at, scene.appliance.wanted_version) == (LATER, 2)
    event = history.latest(scene.session, scene.appliance.uuid)[0]
    assert (event.who, event.why, event.changed_state) == ("Alice", "asked to reboot", False)
    scene.reboot()
    assert scene.appliance.reboots_wanted == 1, "one that is to come is enough"


def test_only_what_runs_is_rebooted(scene: Scene) -> None:
    others = sorted(APPLIANCE.states - {"running"})
    for state, goal in [*((state, "running") for state in others), ("running", "stopped")]:
        scene.appliance.state, scene.appliance.goal = state, goal
        assert not can_reboot(scene.appliance)
        with pytest.raises(Conflict, match="is not running, or shall not be"):
            scene.reboot()


def test_a_cloud_that_can_neither(scene: Scene) -> None:
    tell_capabilities(scene.session, scene.make.burst, "private", Capabilities(), NOON)
    assert not can_reboot(scene.appliance)
    assert not can_resize(scene.appliance)
    with pytest.raises(Conflict, match=r"cannot reboot it\. Stop it and start it again"):
        scene.reboot()
    with pytest.raises(Conflict, match=r"cannot resize it\. Launch another one"):
        scene.resize("large")


def test_a_larger_size_is_reserved_at_once(scene: Scene) -> None:
    assert scene.vcpus == (1, 1)
    scene.resize("large")
    assert scene.vcpus == (3, 3)
    assert (scene.appliance.size, scene.appliance.seen_size) == ("large", "small")
    assert (scene.appliance.due_at, scene.appliance.wanted_version) == (LATER, 2)
    event = history.latest(scene.session, scene.appliance.uuid)[0]
    assert (event.who, event.why) == ("Alice", "asked to be large instead of small")
    with pytest.raises(Conflict, match="is being resized already"):
        scene.resize("small")
    with pytest.raises(Conflict, match="is being resized and cannot be rebooted"):
        scene.reboot()


def test_a_smaller_size_is_given_back_when_it_is_done(scene: Scene) -> None:
    scene.resize("large")
    scene.appliance.seen_size = "large"
    scene.resize("small")
    assert scene.vcpus == (3, 3)
    assert scene.appliance.share.vcpus == 3


@pytest.mark.parametrize("whose", ["organisation", "there"])
def test_a_limit_is_not_passed(scene: Scene, whose: str) -> None:
    getattr(scene, whose).vcpus_limit = 2
    scene.session.flush()
    words = "has 1 of 2 vCPUs left, and this takes 2"
    with pytest.raises(LimitReached, match=words), scene.session.begin_nested():
        scene.resize("large")
    assert scene.vcpus == (1, 1)


def test_the_size_that_it_has_is_no_change(scene: Scene) -> None:
    scene.resize("small")
    assert (scene.appliance.wanted_version, scene.appliance.due_at) == (1, None)


def test_a_size_that_is_not_there(scene: Scene) -> None:
    for size in ("huge", "abroad"):
        with pytest.raises(InvalidInput, match=f"no size '{size}' where it runs"):
            scene.resize(size)


def test_what_has_no_server_to_be_resized(scene: Scene) -> None:
    for state, goal in [("requested", "running"), ("failed", "running"), ("running", "deleted")]:
        scene.appliance.state, scene.appliance.goal = state, goal
        with pytest.raises(Conflict, match="no server that could be resized"):
            scene.resize("large")


def test_who_may(scene: Scene) -> None:
    colleague = scene.make.member(scene.organisation)
    for ask in (scene.reboot, lambda by: scene.resize("large", by)):
        with pytest.raises(Forbidden):
            ask(by=colleague)
        with pytest.raises(NotFound):
            ask(by=scene.make.user())
    admin = scene.make.member(scene.organisation, role="admin")
    scene.reboot(by=admin)
    assert scene.appliance.reboots_wanted == 1


def test_what_a_cloud_can_do_is_written_down_when_it_changes(scene: Scene) -> None:
    row = scene.session.query(Provider).filter_by(name="private").one()
    before = row.version
    tell_capabilities(scene.session, scene.make.burst, "private", BOTH, NOON)
    assert row.version == before
    tell_capabilities(scene.session, scene.make.burst, "private", Capabilities(), NOON)
    assert (row.version, row.capabilities["reboot"]) == (before + 1, False)
    whys = [event.why for event in history.latest(scene.session, row.uuid)]
    assert whys == ["it can: no more than every cloud", "it can: reboot, resize"]
    with pytest.raises((Forbidden, NotFound)):
        tell_capabilities(scene.session, scene.owner, "private", BOTH, NOON)
