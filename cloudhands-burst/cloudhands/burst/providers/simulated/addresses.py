"""Hands out the addresses of a simulated cloud's networks."""

from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from cloudhands.burst.providers.simulated.servers import Servers
from cloudhands.common.cloud import Address, Full


def free(network: IPv4Network, servers: Servers, kind: Literal["servers", "held"]) -> int:
    """The lowest address of a network that nobody has, as a number.

    :param kind: whose addresses: the servers' own, or those that are held.
    :raises Full: if every address is used.
    """
    first, last = _ends(network)
    number = servers.held.lowest_free(kind, first, last) if first <= last else None
    if number is None:
        raise Full(f"every address of the network {network} is in use")
    return number


def count(network: IPv4Network) -> int:
    """How many addresses a network has to give."""
    first, last = _ends(network)
    return max(0, last - first + 1)


def own(number: int) -> Address:
    """A server's own address, from its number."""
    return Address("private", str(IPv4Address(number)))


def external(number: int) -> Address:
    """An address that a server is reached at from outside, from its number."""
    return Address("external", str(IPv4Address(number)), external=True)


def _ends(network: IPv4Network) -> tuple[int, int]:
    # The first host is the gateway's; the ends of a network are nobody's.
    return int(network.network_address) + 2, int(network.broadcast_address) - 1
