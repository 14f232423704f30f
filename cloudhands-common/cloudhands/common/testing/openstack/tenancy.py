"""What is in the control plane: the catalogue of services, images, sizes, networks, projects."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keystoneauth1 import identity
from keystoneauth1.session import Session
from openstack.connection import Connection

from cloudhands.common.testing.openstack.layout import PASSWORD, REGION, Layout

TYPES = {"image": "glance", "compute": "nova", "placement": "placement", "network": "neutron"}
IMAGE = "debian-12"
SMALL, MEDIUM, WHOLE, HUGE = "m1.small", "m1.medium", "m1.whole", "m1.huge"
SIZES = {SMALL: (1, 512), MEDIUM: (2, 1024), WHOLE: (10, 4096), HUGE: (64, 4096)}
"""By name: vCPUs, of which the only host has 10, and memory in MB."""
PUBLIC = "public"
PRIVATE = "private"


@dataclass(frozen=True)
class Project:
    """A project and who may use it.

    :param credentials: what a file of credentials for it holds.
    """

    name: str
    network: str
    credentials: Mapping[str, str]

    def connect(self) -> Connection:
        """A connection as its user."""
        return _connection(self.credentials)


def administrator(at: Layout) -> Any:
    """A connection that may change everything.

    Not typed: the client's own types allow for a Keystone of ten years ago at every call.
    """
    return _connection(_auth(at, "admin", "admin"))


def _connection(auth: Mapping[str, str]) -> Connection:
    words: dict[str, Any] = dict(auth)
    return Connection(session=Session(identity.V3Password(**words)), region_name=REGION)


def _auth(at: Layout, user: str, project: str) -> dict[str, str]:
    return {
        "auth_url": at.auth_url,
        "username": user,
        "password": PASSWORD,
        "project_name": project,
        "user_domain_id": "default",
        "project_domain_id": "default",
    }


def catalogue(at: Layout) -> None:
    """Make the services known to Keystone, and each a user of it."""
    keystone = administrator(at).identity
    service = keystone.create_project(name="service", domain_id="default")
    roles = {role.name: role for role in keystone.roles()}
    roles.setdefault("service", None)
    roles["service"] = roles["service"] or keystone.create_role(name="service")
    for kind, name in TYPES.items():
        user = keystone.create_user(name=name, password=PASSWORD, domain_id="default")
        for role in ("admin", "service"):
            keystone.assign_project_role_to_user(service, user, roles[role])
        made = keystone.create_service(type=kind, name=name)
        url = at.url(name) + ("/v2.1" if kind == "compute" else "")
        for interface in ("public", "internal", "admin"):
            where = {"interface": interface, "url": url, "region_id": REGION}
            keystone.create_endpoint(service_id=made.id, **where)


def prepare(at: Layout) -> None:
    """Make the image, the sizes and the network that floating IPs come from."""
    cloud = administrator(at)
    kind = {"disk_format": "raw", "container_format": "bare"}
    cloud.image.create_image(name=IMAGE, visibility="public", data=b"x" * 4096, **kind)
    for name, (vcpus, memory) in SIZES.items():
        cloud.compute.create_flavor(name=name, vcpus=vcpus, ram=memory, disk=1)
    external = {"provider_network_type": "flat", "provider_physical_network": "public"}
    public = cloud.network.create_network(name=PUBLIC, is_router_external=True, **external)
    cloud.network.create_subnet(
        name=PUBLIC, network_id=public.id, ip_version=4, cidr="203.0.113.0/24", enable_dhcp=False
    )


def project(at: Layout, name: str, quota: Mapping[str, int]) -> Project:
    """Make a project with a user, a network and a router of its own; see `ControlPlane`."""
    admin = administrator(at)
    made = admin.identity.create_project(name=name, domain_id="default")
    user = admin.identity.create_user(name=name, password=PASSWORD, domain_id="default")
    for role in admin.identity.roles():
        if role.name in ("member", "reader"):
            admin.identity.assign_project_role_to_user(made, user, role)
    compute = {key: value for key, value in quota.items() if key != "floating_ips"}
    if compute:
        admin.compute.update_quota_set(made.id, **compute)
    if "floating_ips" in quota:
        admin.network.update_quota(made.id, floating_ips=quota["floating_ips"])
    done = Project(name, PRIVATE, _auth(at, name, name))
    _connect_to_public(done.connect())
    return done


def _connect_to_public(cloud: Connection) -> None:
    private = cloud.network.create_network(name=PRIVATE)
    subnet = cloud.network.create_subnet(
        name=PRIVATE, network_id=private.id, ip_version=4, cidr="10.9.0.0/24"
    )
    (public,) = cloud.network.networks(name=PUBLIC)
    gateway = {"network_id": public.id}
    router = cloud.network.create_router(name=PRIVATE, external_gateway_info=gateway)
    cloud.network.add_interface_to_router(router, subnet=subnet.id)
