"""Floating IPs: taken from Neutron, each with whose it is in its description from the start.

So one whose reply was lost is found before another is taken.
"""

from collections.abc import Sequence

from openstack.connection import Connection
from openstack.network.v2.floating_ip import FloatingIP

from cloudhands.burst.providers.openstack import lookups, marks
from cloudhands.burst.providers.openstack.errors import answering
from cloudhands.common.cloud import Address, Denied, Gone, Held, Identity, Temporary


def give(cloud: Connection, server_id: str, identity: Identity, network: str) -> None:
    """See that a server has a floating IP; one that was taken for it before is used.

    :param network: the name or id of the external network.
    :raises Full: if there is none left.
    :raises Denied: if the operator has to mend something.
    """
    port = _port(cloud, server_id)
    # What is there already comes first, so that asking twice changes nothing.
    taken = sorted(_of(cloud, identity), key=lambda ip: (ip.port_id != port, str(ip.id)))
    if not taken:
        external = lookups.network(cloud, network, "external_network")
        with answering(missing=Denied, refused=Denied):
            cloud.network.create_ip(
                floating_network_id=external,
                port_id=port,
                description=marks.description(identity),
            )
    elif taken[0].port_id != port:
        with answering(missing=Temporary, refused=Denied):
            cloud.network.update_ip(taken[0], port_id=port)


def release(cloud: Connection, identity: Identity) -> None:
    """Give every floating IP back that was taken for an identity."""
    for ip in _of(cloud, identity):
        try:
            with answering(missing=Gone, refused=Denied):
                cloud.network.delete_ip(ip, ignore_missing=False)
        except Gone:
            continue


def held(cloud: Connection, installation: str, network: str) -> Sequence[Held]:
    """Every floating IP that was taken for an installation.

    :param network: what their network is called here.
    """
    with answering(refused=Denied):
        told = [(marks.of_description(ip.description), ip) for ip in cloud.network.ips()]
        return [
            Held(identity, Address(network, str(ip.floating_ip_address), external=True))
            for identity, ip in told
            if identity is not None and identity.installation == installation
        ]


def _of(cloud: Connection, identity: Identity) -> list[FloatingIP]:
    description = marks.description(identity)
    with answering(refused=Denied):
        found = list(cloud.network.ips(description=description))
    # Looked at again: a cloud that does not know the filter tells of all.
    return [ip for ip in found if ip.description == description]


def _port(cloud: Connection, server_id: str) -> str:
    with answering(refused=Denied):
        for port in cloud.network.ports(device_id=server_id):
            return str(port.id)
    raise Temporary("the server has no port on the network yet")
