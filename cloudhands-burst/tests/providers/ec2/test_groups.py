from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from cloudhands.burst.providers.ec2.adapter import Ec2Cloud
from cloudhands.burst.providers.ec2.mapping import Answer
from cloudhands.common.cloud import Identity, Invalid, ServerSpec, Temporary
from cloudhands.common.testing import ec2
from cloudhands.common.testing.ec2 import Ec2
from cloudhands.common.testing.ec2_faults import Fault

Connect = Callable[..., Ec2Cloud]


def create(cloud: Ec2Cloud, installation: str) -> str:
    identity = Identity(installation, str(uuid4()), 1)
    return cloud.create(ServerSpec(identity, "ch-name", ec2.IMAGE, ec2.SIZE)).id


def ask(cloud: Ec2Cloud, operation: str, **about: Any) -> Answer:
    return cloud._api.begin().ask(operation, **about)


def groups(cloud: Ec2Cloud, installation: str) -> list[Answer]:
    only = [{"Name": "tag:cloudhands:installation", "Values": [installation]}]
    return list(ask(cloud, "describe_security_groups", Filters=only)["SecurityGroups"])


def ids(cloud: Ec2Cloud, server_id: str) -> set[str]:
    told = ask(cloud, "describe_instances", InstanceIds=[server_id])
    return {group["GroupId"] for group in told["Reservations"][0]["Instances"][0]["SecurityGroups"]}


def test_one_of_ours_is_made_once_and_lets_ssh_in(connect: Connect, server: Ec2) -> None:
    installation, networks = str(uuid4()), ["192.0.2.0/24", "2001:db8::/32"]
    first = connect(ssh_from=networks)
    made = [create(first, installation), create(first, installation)]
    made.append(create(connect(ssh_from=networks), installation))
    (group,) = groups(first, installation)
    (rule,) = group["IpPermissions"]
    assert (rule["FromPort"], rule["ToPort"], rule["IpProtocol"]) == (22, 22, "tcp")
    assert [one["CidrIp"] for one in rule["IpRanges"]] == ["192.0.2.0/24"]
    assert [one["CidrIpv6"] for one in rule["Ipv6Ranges"]] == ["2001:db8::/32"]
    for server_id in made:
        assert ids(first, server_id) == {group["GroupId"]}


@pytest.mark.parametrize("action", ["CreateSecurityGroup", "AuthorizeSecurityGroupIngress"])
def test_a_reply_that_was_lost_makes_no_second_one(
    connect: Connect, server: Ec2, action: str
) -> None:
    cloud, installation = connect(), str(uuid4())
    server.fail(Fault(action, effect=True, lost=True))
    with pytest.raises(Temporary):
        create(cloud, installation)
    create(cloud, installation)
    (group,) = groups(cloud, installation)
    assert len(group["IpPermissions"]) == 1


def test_another_worker_makes_it_at_the_same_moment(cloud: Ec2Cloud, server: Ec2) -> None:
    server.fail(Fault("CreateSecurityGroup", status=400, code="InvalidGroup.Duplicate"))
    with pytest.raises(Temporary, match="another worker"):
        create(cloud, str(uuid4()))


def test_one_that_was_taken_away_is_made_anew(cloud: Ec2Cloud, server: Ec2) -> None:
    installation = str(uuid4())
    server_id = create(cloud, installation)
    (group,) = groups(cloud, installation)
    cloud.delete(server_id)
    ask(cloud, "delete_security_group", GroupId=group["GroupId"])
    server.fail(Fault("RunInstances", status=400, code="InvalidGroup.NotFound"))
    with pytest.raises(Temporary, match=r"InvalidGroup\.NotFound"):
        create(cloud, installation)
    create(cloud, installation)
    assert len(groups(cloud, installation)) == 1


def test_the_operators_own_subnet_and_groups(cloud: Ec2Cloud, connect: Connect) -> None:
    network = ask(cloud, "create_vpc", CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ask(cloud, "create_subnet", VpcId=network, CidrBlock="10.9.1.0/24")["Subnet"]
    named, other = (
        ask(cloud, "create_security_group", GroupName=name, Description="-", VpcId=network)
        for name in ("named", "other")
    )
    wanted = ["named", other["GroupId"]]
    theirs = connect(subnet=subnet["SubnetId"], security_groups=wanted)
    server_id = create(theirs, str(uuid4()))
    assert ids(cloud, server_id) == {named["GroupId"], other["GroupId"]}
    (address,) = theirs.observe(server_id).addresses
    assert address.network == network
    assert address.address.startswith("10.9.1.")


def test_a_group_that_is_not_there_is_named(connect: Connect) -> None:
    for name in ("missing", "sg-00000000"):
        with pytest.raises(Invalid, match=f"no security group '{name}'.*'security_groups'"):
            create(connect(security_groups=[name]), str(uuid4()))
