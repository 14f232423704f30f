from typing import Any

import pytest

from cloudhands.burst.providers.ec2 import images, launch, mapping
from cloudhands.burst.providers.ec2.options import Options
from cloudhands.common.cloud import Address, Held, Identity, ServerSpec, ServerState, Temporary

IDENTITY = Identity("installation", "appliance", 3)
TOLD = {
    "InstanceId": "i-1",
    "ImageId": "ami-1",
    "InstanceType": "t3.micro",
    "State": {"Name": "running"},
    "PrivateIpAddress": "10.0.0.4",
    "VpcId": "vpc-1",
    "Placement": {"AvailabilityZone": "eu-west-1a"},
    "Tags": mapping.tags(IDENTITY, Name="name"),
}


def test_a_server_in_our_words() -> None:
    outside = Address("external", "203.0.113.9", external=True)
    server = mapping.server(TOLD, IDENTITY, ServerState.RUNNING, [Held(IDENTITY, outside)])
    assert server.addresses == (Address("vpc-1", "10.0.0.4"), outside)
    assert (server.id, server.size, server.external) == ("i-1", "t3.micro", True)
    assert server.details == {"image": "ami-1", "zone": "eu-west-1a"}


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("pending", ServerState.BUILDING),
        ("running", ServerState.RUNNING),
        ("stopping", ServerState.STOPPING),
        ("stopped", ServerState.STOPPED),
        ("shutting-down", ServerState.DELETING),
        ("terminated", None),
    ],
)
def test_states(name: str, state: ServerState | None) -> None:
    assert mapping.state_of({"State": {"Name": name}}) is state


@pytest.mark.parametrize("told", [{}, {"State": None}, {"State": {}}, {"State": {"Name": "odd"}}])
def test_a_state_that_is_not_promised_is_temporary_trouble(told: dict[str, Any]) -> None:
    with pytest.raises(Temporary, match=r"no State|no Name|does not know: odd"):
        mapping.state_of(told)


def test_whose_it_is() -> None:
    assert mapping.identity_of(TOLD) == IDENTITY


@pytest.mark.parametrize("key", [mapping.INSTALLATION, mapping.APPLIANCE, mapping.GENERATION])
def test_it_is_nobodys_where_a_tag_is_missing(key: str) -> None:
    tags = [tag for tag in mapping.tags(IDENTITY) if tag["Key"] != key]
    assert mapping.identity_of({"Tags": tags}) is None


def test_a_generation_that_is_no_number_is_nobodys() -> None:
    tags = [*mapping.tags(IDENTITY), {"Key": mapping.GENERATION, "Value": "third"}]
    assert mapping.identity_of({"Tags": tags}) is None
    assert mapping.identity_of({}) is None


def test_every_disk_of_an_image_ends_with_the_server() -> None:
    told = {
        "RootDeviceName": "/dev/sda1",
        "BlockDeviceMappings": [
            {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 8}},
            {"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 5, "DeleteOnTermination": False}},
            {"DeviceName": "/dev/sdc", "VirtualName": "ephemeral0"},
        ],
    }
    assert images.disks(told, 20) == [
        {"DeviceName": "/dev/sda1", "Ebs": {"DeleteOnTermination": True, "VolumeSize": 20}},
        {"DeviceName": "/dev/sdb", "Ebs": {"DeleteOnTermination": True, "VolumeSize": 5}},
    ]


def test_what_is_asked_for() -> None:
    spec = ServerSpec(IDENTITY, "name", "ami-1", "t3.micro", ("ssh-ed25519 A",), "#!/bin/sh\n")
    options = Options(region="here", credentials_file="file", subnet="subnet-1")
    asked = launch.asked(spec, {"ImageId": "ami-1"}, ["sg-1"], options)
    assert asked["InstanceInitiatedShutdownBehavior"] == "stop"
    assert (asked["SubnetId"], asked["UserData"]) == ("subnet-1", "#!/bin/sh\n")
    assert asked["TagSpecifications"][0]["Tags"] == mapping.tags(IDENTITY, Name="name")
    assert "KeyName" not in asked


def test_every_try_of_an_identity_has_the_same_token() -> None:
    tokens = [launch.token(Identity("i", "a", generation)) for generation in (1, 1, 2)]
    assert tokens[0] == tokens[1] != tokens[2]
    assert len(tokens[0]) == 64, "EC2 takes no longer one"
