"""Which images and sizes the cloud has, by the names that the catalogue gives them."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from cloudhands.burst.providers.ec2.api import Calls
from cloudhands.burst.providers.ec2.mapping import Answer, needed
from cloudhands.common.cloud import Invalid

IDS = "ami-"
# EC2 allows 200 values in a filter.
AT_ONCE = 100


def image_called(calls: Calls, name: str, owners: Collection[str]) -> Answer:
    """The image of an id, or the newest of a name.

    :param owners: whose images may be meant by a name: anybody may call theirs so.
    :raises Invalid: if there is none.
    """
    found = _images(calls, [name], owners).get(name)
    if found is None:
        raise Invalid(f"the cloud has no image {name!r}")
    return found


def missing_images(calls: Calls, names: Collection[str], owners: Collection[str]) -> list[str]:
    """Which images of these it does not have."""
    return sorted(set(names) - set(_images(calls, names, owners)))


def missing_sizes(calls: Calls, names: Collection[str]) -> list[str]:
    """Which sizes of these it does not have."""
    missing = set(names)
    for some in _slices(names):
        only = [{"Name": "instance-type", "Values": some}]
        for told in calls.pages("describe_instance_types", "InstanceTypes", Filters=only):
            missing.discard(needed(told, "InstanceType"))
    return sorted(missing)


def disks(found: Answer, root_gb: int | None) -> list[dict[str, Any]]:
    """What to ask for the disks of an image's server: that they end with it.

    :param root_gb: the size of the first one; None leaves it to the image.
    """
    asked = []
    for told in found.get("BlockDeviceMappings", ()):
        # The others are no volumes, but a part of the machine that it runs on.
        if "Ebs" in told:
            name, ours = needed(told, "DeviceName"), told["Ebs"].get("VolumeSize")
            gb = root_gb if root_gb and name == found.get("RootDeviceName") else ours
            size = {"VolumeSize": gb} if gb else {}
            asked.append({"DeviceName": name, "Ebs": {"DeleteOnTermination": True, **size}})
    return asked


def _images(calls: Calls, names: Collection[str], owners: Collection[str]) -> Mapping[str, Answer]:
    ids = [name for name in names if name.startswith(IDS)]
    named = [name for name in names if not name.startswith(IDS)]
    found: dict[str, Answer] = {}
    # A filter leaves out what there is not; asked for by id, one that is missing hides all others.
    for some in _slices(ids):
        only = [{"Name": "image-id", "Values": some}]
        for told in needed(calls.ask("describe_images", Filters=only), "Images"):
            found[needed(told, "ImageId")] = told
    for some in _slices(named):
        only = [{"Name": "name", "Values": some}]
        theirs = calls.ask("describe_images", Filters=only, Owners=list(owners))
        for told in sorted(needed(theirs, "Images"), key=_created):
            found[needed(told, "Name")] = told
    # The values of a filter are patterns: what only resembles a name is not meant.
    return {name: found[name] for name in names if name in found}


def _created(told: Answer) -> str:
    return str(told.get("CreationDate", ""))


def _slices(names: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(set(names))
    for start in range(0, len(ordered), AT_ONCE):
        yield ordered[start : start + AT_ONCE]
