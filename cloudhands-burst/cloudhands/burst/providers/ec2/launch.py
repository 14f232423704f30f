"""What to ask for when a server is made: pure."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from cloudhands.burst.providers.ec2 import images, mapping
from cloudhands.burst.providers.ec2.mapping import Answer, needed
from cloudhands.burst.providers.ec2.options import Options
from cloudhands.common.cloud import Identity, ServerSpec


def asked(
    spec: ServerSpec, image: Answer, groups: Sequence[str], options: Options
) -> Mapping[str, Any]:
    """The parameters of RunInstances.

    :param image: what the cloud tells of the image.
    :param groups: the ids of the security groups.
    """
    outside = {mapping.EXTERNAL: "yes"} if spec.external_address else {}
    marks = mapping.tags(spec.identity, Name=spec.name, **outside)
    about: dict[str, Any] = {
        "ImageId": needed(image, "ImageId"),
        "InstanceType": spec.size,
        "MinCount": 1,
        "MaxCount": 1,
        "ClientToken": token(spec.identity),
        "SecurityGroupIds": list(groups),
        # One that is shut down from inside stays, until a person wants it deleted.
        "InstanceInitiatedShutdownBehavior": "stop",
        "BlockDeviceMappings": images.disks(image, options.disk_gb),
        "TagSpecifications": [
            {"ResourceType": kind, "Tags": marks} for kind in ("instance", "volume")
        ],
    }
    if spec.user_data:
        about["UserData"] = spec.user_data
    if options.subnet:
        about["SubnetId"] = options.subnet
    return about


def token(identity: Identity) -> str:
    """The same for every try to make a server of an identity: EC2 then makes one only."""
    words = f"{identity.installation}/{identity.appliance}/{identity.generation}"
    return sha256(words.encode()).hexdigest()
