import logging
from base64 import b64decode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cloudhands.burst.providers.ec2 import mapping
from cloudhands.burst.providers.ec2.adapter import Ec2Cloud
from cloudhands.burst.providers.ec2.mapping import Answer
from cloudhands.common.cloud import Gone, Identity, Invalid, ServerSpec, ServerState, Temporary
from cloudhands.common.testing import ec2
from cloudhands.common.testing.ec2 import Ec2
from cloudhands.common.testing.ec2_faults import Fault

Connect = Callable[..., Ec2Cloud]


def spec(identity: Identity | None = None, **others: Any) -> ServerSpec:
    identity = identity or Identity(str(uuid4()), str(uuid4()), 1)
    told = {"name": "ch-name", "image": ec2.IMAGE, "size": ec2.SIZE, **others}
    return ServerSpec(identity=identity, **told)


def at_the_cloud(cloud: Ec2Cloud, operation: str, **about: Any) -> Answer:
    """What EC2 itself tells."""
    return cloud._api.begin().ask(operation, **about)


def instance(cloud: Ec2Cloud, server_id: str) -> Answer:
    told = at_the_cloud(cloud, "describe_instances", InstanceIds=[server_id])
    one: Answer = told["Reservations"][0]["Instances"][0]
    return one


def tagged(told: Mapping[str, Any]) -> Mapping[str, str]:
    return {tag["Key"]: tag["Value"] for tag in told["Tags"]}


# --- servers ---


def test_it_bears_name_and_identity_in_its_tags(cloud: Ec2Cloud) -> None:
    asked = spec()
    told = instance(cloud, cloud.create(asked).id)
    assert tagged(told) == {
        "Name": "ch-name",
        "cloudhands:installation": asked.identity.installation,
        "cloudhands:appliance": asked.identity.appliance,
        "cloudhands:generation": "1",
    }


def test_nothing_is_left_of_one_that_is_deleted(cloud: Ec2Cloud) -> None:
    def volumes() -> list[Answer]:
        only = mapping.whole(asked.identity)
        return list(at_the_cloud(cloud, "describe_volumes", Filters=only)["Volumes"])

    asked = spec()
    server = cloud.create(asked)
    assert len(volumes()) == 1
    cloud.delete(server.id)
    assert volumes() == []
    with pytest.raises(Gone, match=r"was ended: .*User initiated"):
        cloud.observe(server.id)
    assert cloud.listed(asked.identity.installation).servers == []


def test_it_stays_when_it_is_shut_down_from_inside(cloud: Ec2Cloud) -> None:
    about = {"InstanceId": cloud.create(spec()).id}
    attribute = "instanceInitiatedShutdownBehavior"
    told = at_the_cloud(cloud, "describe_instance_attribute", Attribute=attribute, **about)
    assert told["InstanceInitiatedShutdownBehavior"] == {"Value": "stop"}


def test_the_root_disk_is_as_large_as_the_operator_says(connect: Connect) -> None:
    cloud = connect(disk_gb=33)
    asked = spec()
    cloud.create(asked)
    told = at_the_cloud(cloud, "describe_volumes", Filters=mapping.whole(asked.identity))
    assert [volume["Size"] for volume in told["Volumes"]] == [33]


def test_user_data_that_is_too_long(cloud: Ec2Cloud) -> None:
    with pytest.raises(Invalid, match="longer than 16384 bytes"):
        cloud.create(spec(user_data="ü" * 8193))


def test_an_image_is_named_with_its_owner(connect: Connect, cloud: Ec2Cloud) -> None:
    theirs = connect(image_owners=[ec2.IMAGE_OWNER])
    server = theirs.create(spec(image=ec2.IMAGE_NAME))
    assert theirs.observe(server.id).details["image"] == ec2.IMAGE
    with pytest.raises(Invalid, match="has no image 'ubuntu"):
        cloud.create(spec(image=ec2.IMAGE_NAME))


def test_everything_is_listed_however_many_pages_it_has(connect: Connect, server: Ec2) -> None:
    cloud = connect(page_size=5)
    installation = str(uuid4())
    specs = [spec(Identity(installation, str(uuid4()), 1)) for _ in range(11)]
    made = {cloud.create(one).id for one in specs}
    cloud.give_address(next(iter(made)))
    before = server.asked()
    listing = cloud.listed(installation)
    after = server.asked()
    assert {one.id for one in listing.servers} == made
    assert {one.identity for one in listing.servers} == {one.identity for one in specs}
    assert after["DescribeInstances"] - before["DescribeInstances"] == 3
    assert len(listing.held) == 1
    assert cloud.listed(str(uuid4())).servers == []


def test_what_has_lost_its_tags_is_not_touched(cloud: Ec2Cloud) -> None:
    asked = spec()
    server_id = cloud.create(asked).id
    gone = [{"Key": mapping.APPLIANCE}]
    at_the_cloud(cloud, "delete_tags", Resources=[server_id], Tags=gone)
    for call in (cloud.observe, cloud.stop, cloud.delete, cloud.give_address, cloud.reboot):
        with pytest.raises(Temporary, match="put back cloudhands:installation, cloudhands:app"):
            call(server_id)
    assert instance(cloud, server_id)["State"]["Name"] == "running"
    assert cloud.listed(asked.identity.installation).servers == []


def test_user_data_come_as_they_are(cloud: Ec2Cloud) -> None:
    about = {"InstanceId": cloud.create(spec(user_data="#cloud-config ü\n")).id}
    told = at_the_cloud(cloud, "describe_instance_attribute", Attribute="userData", **about)
    assert b64decode(told["UserData"]["Value"]).decode() == "#cloud-config ü\n"


# --- resize, reboot, console ---


def test_a_stopped_server_is_resized(cloud: Ec2Cloud) -> None:
    server_id = cloud.create(spec()).id
    assert cloud.observe(server_id).size == ec2.SIZE
    with pytest.raises(Temporary, match="still running"):
        cloud.resize(server_id, ec2.OTHER_SIZE)
    cloud.stop(server_id)
    with pytest.raises(Invalid, match="no-such-size"):
        cloud.resize(server_id, "no-such-size")
    assert cloud.observe(server_id).size == ec2.SIZE
    for _ in range(2):
        cloud.resize(server_id, ec2.OTHER_SIZE)
        server = cloud.observe(server_id)
        assert (server.size, server.state) == (ec2.OTHER_SIZE, ServerState.STOPPED)


def test_the_console_of_one_that_runs(cloud: Ec2Cloud, server: Ec2) -> None:
    server_id = cloud.create(spec()).id
    cloud.reboot(server_id)
    assert "Linux version" in cloud.console(server_id)
    before = server.asked()["RebootInstances"]
    for call in (cloud.reboot, cloud.console, cloud.give_address):
        with pytest.raises(Gone):
            call("i-00000000000000000")
    with pytest.raises(Gone):
        cloud.resize("i-00000000000000000", ec2.SIZE)
    assert server.asked()["RebootInstances"] == before


# --- whether it could be used ---


def test_what_of_it_could_be_used(cloud: Ec2Cloud) -> None:
    images = {ec2.IMAGE, "ami-00000000", ec2.IMAGE_NAME, "ubuntu*"}
    standing = cloud.standing(images, {ec2.SIZE, "t3.gigantic", "t3.*"})
    assert standing.missing_images == ["ami-00000000", "ubuntu*", ec2.IMAGE_NAME]
    assert standing.missing_sizes == ["t3.*", "t3.gigantic"]
    assert standing.quota["addresses"].limit == 5


def test_more_names_than_one_question_may_have(cloud: Ec2Cloud) -> None:
    sizes = [ec2.SIZE, *(f"t3.size{number:03}" for number in range(220))]
    images = [ec2.IMAGE, *(f"ami-{number:08x}" for number in range(220))]
    standing = cloud.standing(images, sizes)
    assert standing.missing_sizes == sizes[1:]
    assert standing.missing_images == images[1:]


# --- whoever runs us ---


def test_settings_of_amazons_own_tools_are_not_ours(
    connect: Connect, server: Ec2, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("[default]\nregion = nowhere\n[broken\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "missing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "9")
    server.fail(Fault("DescribeInstances", status=500, code="InternalError"))
    cloud = connect()
    with pytest.raises(Temporary, match="InternalError"):
        cloud.listed("nobody")
    assert cloud.listed("nobody").servers == []


# --- secrets ---


def test_no_secret_is_logged(
    connect: Connect, caplog: pytest.LogCaptureFixture, server: Ec2
) -> None:
    caplog.set_level(logging.DEBUG)
    cloud = connect()
    cloud.create(spec(user_data="#cloud-config\n# token-of-the-machine\n"))
    assert caplog.records, "nothing is seen here"
    for secret in ("testing-secret", "token-of-the-machine"):
        assert secret not in caplog.text
    # Base64, as user data are sent.
    assert "I2Nsb3VkLWNvbmZpZ" not in caplog.text
