"""Reads the addresses that an operator names: `192.0.2.0/24` or `192.0.2.10-192.0.2.99`."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

MAX_ADDRESSES = 65_536

IPAddress = IPv4Address | IPv6Address


def parse(text: str) -> list[IPAddress]:
    """The addresses of a network that servers may have, or from a first to a last one.

    :raises ValueError: with a sentence that says what is wrong and what to write.
    """
    first, hyphen, last = (part.strip() for part in text.partition("-"))
    return _between(first, last) if hyphen else _of_network(first)


def checked(text: str) -> str:
    """The same text, if it can be read.

    :raises ValueError: as `parse`.
    """
    parse(text)
    return text


def _between(first: str, last: str) -> list[IPAddress]:
    try:
        begin, end = ip_address(first), ip_address(last)
    except ValueError as error:
        raise ValueError(f"{error}. {_REMEDY}") from None
    if begin.version != end.version or int(begin) > int(end):
        raise ValueError(f"{begin} does not come before {end}. {_REMEDY}")
    _require_few(int(end) - int(begin) + 1)
    return [begin + offset for offset in range(int(end) - int(begin) + 1)]


def _of_network(text: str) -> list[IPAddress]:
    try:
        network = ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error}. {_REMEDY}") from None
    _require_few(network.num_addresses)
    hosts: Iterator[IPAddress] = iter(network.hosts())
    return list(hosts)


def _require_few(count: int) -> None:
    if count > MAX_ADDRESSES:
        raise ValueError(f"These are {count} addresses; at most {MAX_ADDRESSES} can be added.")


_REMEDY = "Write a network such as 192.0.2.0/24, or a first and a last address with a hyphen."


def canonical(address: str) -> str:
    """An address as pools write it, so that one of two spellings is not taken for another one.

    What is no IP address stays as the cloud wrote it.
    """
    try:
        return str(ip_address(address))
    except ValueError:
        return address
