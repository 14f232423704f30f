from collections.abc import Callable
from uuid import uuid4

import pytest

from cloudhands.burst.providers.ec2.adapter import Ec2Cloud
from cloudhands.common.cloud import Address, Full, Identity, Server, ServerSpec, Temporary
from cloudhands.common.testing import ec2
from cloudhands.common.testing.ec2 import Ec2
from cloudhands.common.testing.ec2_faults import Fault

Connect = Callable[..., Ec2Cloud]


def made(cloud: Ec2Cloud, identity: Identity | None = None) -> Server:
    identity = identity or Identity(str(uuid4()), str(uuid4()), 1)
    spec = ServerSpec(identity, "ch-name", ec2.IMAGE, ec2.SIZE, external_address=True)
    return cloud.observe(cloud.create(spec).id)


def held(cloud: Ec2Cloud, identity: Identity) -> set[Address]:
    return {one.address for one in cloud.listed(identity.installation).held}


def outside(server: Server) -> set[Address]:
    return {address for address in server.addresses if address.external}


def test_what_the_subnet_gives_by_itself_is_no_address_of_ours(cloud: Ec2Cloud) -> None:
    server = made(cloud)
    told = cloud._api.begin().ask("describe_instances", InstanceIds=[server.id])
    assert told["Reservations"][0]["Instances"][0]["PublicIpAddress"]
    assert not server.external
    assert len(server.addresses) == 1


def test_an_address_is_given_once_and_kept_while_it_is_stopped(cloud: Ec2Cloud) -> None:
    server = made(cloud)
    for _ in range(2):
        cloud.give_address(server.id)
    seen = cloud.observe(server.id)
    (address,) = outside(seen)
    assert address.network == "external"
    assert held(cloud, server.identity) == {address}
    assert cloud.find(server.identity) == [seen]
    assert list(cloud.listed(server.identity.installation).servers) == [seen]
    cloud.stop(server.id)
    assert outside(cloud.observe(server.id)) == {address}


def test_an_address_goes_back_when_it_is_released(cloud: Ec2Cloud) -> None:
    server, neighbour = made(cloud), made(cloud)
    for one in (server, neighbour):
        cloud.give_address(one.id)
    cloud.delete(server.id)
    assert len(held(cloud, server.identity)) == 1, "it stays until it is released"
    for _ in range(2):
        cloud.release(server.identity)
        assert held(cloud, server.identity) == set()
    assert len(held(cloud, neighbour.identity)) == 1
    cloud.release(neighbour.identity)


@pytest.mark.parametrize("action", ["AllocateAddress", "AssociateAddress"])
@pytest.mark.parametrize("effect", [True, False], ids=["reply lost", "request lost"])
def test_an_address_whose_reply_was_lost_is_used(
    cloud: Ec2Cloud, server: Ec2, action: str, effect: bool
) -> None:
    one = made(cloud)
    server.fail(Fault(action, effect=effect, lost=True))
    with pytest.raises(Temporary):
        cloud.give_address(one.id)
    cloud.give_address(one.id)
    assert outside(cloud.observe(one.id)) == held(cloud, one.identity)
    assert len(held(cloud, one.identity)) == 1
    cloud.release(one.identity)


@pytest.mark.parametrize("action", ["DisassociateAddress", "ReleaseAddress"])
def test_a_release_whose_reply_was_lost_is_repeated(
    cloud: Ec2Cloud, server: Ec2, action: str
) -> None:
    one = made(cloud)
    cloud.give_address(one.id)
    server.fail(Fault(action, effect=True, lost=True))
    with pytest.raises(Temporary):
        cloud.release(one.identity)
    cloud.release(one.identity)
    assert held(cloud, one.identity) == set()


def test_what_somebody_else_has_released_is_no_trouble(cloud: Ec2Cloud, server: Ec2) -> None:
    one = made(cloud)
    cloud.give_address(one.id)
    server.fail(
        Fault("DisassociateAddress", status=400, code="InvalidAssociationID.NotFound"),
        Fault("ReleaseAddress", status=400, code="InvalidAllocationID.NotFound"),
    )
    cloud.release(one.identity)
    cloud.release(one.identity)
    assert held(cloud, one.identity) == set()


def test_a_twin_gives_its_address_to_the_one_that_is_kept(cloud: Ec2Cloud) -> None:
    twin = made(cloud)
    kept = made(cloud, twin.identity)
    cloud.give_address(twin.id)
    cloud.give_address(kept.id)
    assert outside(cloud.observe(kept.id)) == held(cloud, kept.identity)
    assert len(held(cloud, kept.identity)) == 1
    assert not cloud.observe(twin.id).external
    cloud.release(kept.identity)


def test_no_address_is_left(cloud: Ec2Cloud, server: Ec2) -> None:
    one = made(cloud)
    server.fail(Fault("AllocateAddress", status=400, code="AddressLimitExceeded"))
    with pytest.raises(Full, match="AddressLimitExceeded"):
        cloud.give_address(one.id)
    assert not cloud.observe(one.id).external
