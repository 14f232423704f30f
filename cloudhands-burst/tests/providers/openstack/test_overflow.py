"""From a private cloud without room to a public one: real interfaces, through the reconciler."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudhands.burst.providers.ec2 import ADAPTER
from cloudhands.burst.testing import World
from cloudhands.common.catalogue.commands import ItemDefinition
from cloudhands.common.cloud import Cloud, ServerState
from cloudhands.common.testing import ec2, factories
from cloudhands.common.testing.contract import Trial
from cloudhands.common.testing.openstack.tenancy import IMAGE, WHOLE, Project

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(600)]

LIMIT = 180


@pytest.fixture
def item() -> ItemDefinition:
    """An item whose image and size are EC2's own where it is asked for them."""
    told: Any = factories.ITEM.model_dump()
    told["images"]["public"] = ec2.IMAGE
    told["sizes"]["small"]["on"]["public"] = ec2.SIZE
    return ItemDefinition.model_validate(told)


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Cloud]:
    """EC2's interface."""
    with ec2.ec2() as server:
        options = ADAPTER.Options.model_validate(server.options(tmp_path, limit=60, timeout=30))
        yield ADAPTER.connect("public", options, tmp_path)


@pytest.fixture
def private(make_project: Callable[..., Project], connect: Callable[..., Cloud]) -> Iterator[Cloud]:
    """A cloud whose only host is used up."""
    project = make_project(instances=20, cores=200)
    full = Trial(connect(project), image=IMAGE, size=WHOLE, limit=120, poll=0.2)
    full.becomes(full.create().id, ServerState.RUNNING)
    yield connect(project)
    # Also what a test that failed left behind: the other tests need the host.
    cloud: Any = project.connect()
    for server in cloud.compute.servers():
        cloud.compute.delete_server(server)
    full.clear()


def until(world: World, state: str, uuid: Any) -> None:
    """Let the clouds take their time, and take care of everything when it becomes due."""
    deadline = time.monotonic() + LIMIT
    while world.state(uuid) != state:
        assert time.monotonic() < deadline, world.history(uuid)
        assert world.state(uuid) != "failed", world.history(uuid)
        world.clock.advance(1)
        world.look()
        time.sleep(0.2)


def test_what_finds_no_host_runs_on_the_public_cloud(
    world: World, item: ItemDefinition, private: Cloud, public: Cloud
) -> None:
    world.clouds.update(private=private, public=public)
    uuid = world.launch(item)
    until(world, "running", uuid)
    row = world.row(uuid)
    assert row.provider is not None
    assert row.provider.name == "public"
    assert list(private.listed(world.installation).servers) == []
    (server,) = public.listed(world.installation).servers
    assert (server.identity.appliance, server.state) == (str(uuid), ServerState.RUNNING)
    world.want(uuid, "deleted")
    until(world, "deleted", uuid)
    assert list(public.listed(world.installation).servers) == []
