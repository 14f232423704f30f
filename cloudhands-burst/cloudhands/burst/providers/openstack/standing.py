"""Asks an OpenStack cloud whether it could be used, and how much of it."""

from collections.abc import Collection, Mapping
from typing import Any

from openstack.connection import Connection

from cloudhands.burst.providers.openstack import lookups
from cloudhands.burst.providers.openstack.errors import answering
from cloudhands.burst.providers.openstack.options import Options
from cloudhands.common.cloud import Denied, Room, Standing

COMPUTE = {
    "appliances": ("instances_used", "instances"),
    "vcpus": ("total_cores_used", "total_cores"),
    "memory_mb": ("total_ram_used", "total_ram"),
}
"""What Nova limits: by our name, its names for what is used and for the limit."""


def ask(
    cloud: Connection, options: Options, images: Collection[str], sizes: Collection[str]
) -> Standing:
    """What the cloud says; see `cloud.Cloud.standing`.

    :raises Denied: also if a network of the options is not there.
    """
    with answering(missing=Denied, refused=Denied):
        cloud.session.get_token()
    lookups.network(cloud, options.network, "network")
    if options.external_network:
        lookups.network(cloud, options.external_network, "external_network")
    missing_images = sorted(one for one in set(images) if lookups.image(cloud, one) is None)
    missing_sizes = lookups.missing(lookups.sizes(cloud), sizes) if sizes else []
    quota = {**_compute(cloud), **(_addresses(cloud) if options.external_network else {})}
    return Standing(missing_images, missing_sizes, quota)


def _compute(cloud: Connection) -> Mapping[str, Room]:
    with answering(refused=Denied):
        limits = cloud.compute.get_limits().absolute
        return _rooms(
            {
                name: (getattr(limits, used), getattr(limits, limit))
                for name, (used, limit) in COMPUTE.items()
            }
        )


def _addresses(cloud: Connection) -> Mapping[str, Room]:
    with answering(missing=Denied, refused=Denied):
        project = str(cloud.session.get_project_id())
        told: Any = cloud.network.get_quota(project, details=True)
        counted = told.floating_ips
        return _rooms(
            {"addresses": (counted["used"] + int(counted.get("reserved", 0)), counted["limit"])}
        )


def _rooms(told: Mapping[str, tuple[Any, Any]]) -> Mapping[str, Room]:
    # -1 means no limit; a cloud may leave any of them out.
    return {
        name: Room(int(used), int(limit))
        for name, (used, limit) in told.items()
        if used is not None and limit is not None and int(limit) >= 0
    }
