"""Hands out the addresses of a simulated cloud's networks."""

from collections.abc import Collection
from ipaddress import IPv4Network
from itertools import islice

from cloudhands.common.cloud import Full


def free(network: IPv4Network, used: Collection[str]) -> str:
    """The lowest address of a network that nobody has; the first host is its gateway's.

    :raises Full: if every address is used.
    """
    for host in islice(network.hosts(), 1, None):
        if str(host) not in used:
            return str(host)
    raise Full(f"every address of the network {network} is in use")
