"""The addresses that an operator names."""

from ipaddress import ip_address

import pytest

from cloudhands.common.address import ranges


@pytest.mark.parametrize(
    ("text", "count", "first", "last"),
    [
        ("192.0.2.0/24", 254, "192.0.2.1", "192.0.2.254"),
        ("192.0.2.8/31", 2, "192.0.2.8", "192.0.2.9"),
        ("192.0.2.7", 1, "192.0.2.7", "192.0.2.7"),
        ("10.1.0.0/16", 65_534, "10.1.0.1", "10.1.255.254"),
        ("2001:db8::/126", 3, "2001:db8::1", "2001:db8::3"),
        ("192.0.2.250-192.0.3.5", 12, "192.0.2.250", "192.0.3.5"),
        (" 192.0.2.9 - 192.0.2.9 ", 1, "192.0.2.9", "192.0.2.9"),
        ("2001:db8::a-2001:db8::f", 6, "2001:db8::a", "2001:db8::f"),
        ("10.1.0.0-10.1.255.255", 65_536, "10.1.0.0", "10.1.255.255"),
    ],
)
def test_what_can_be_named(text: str, count: int, first: str, last: str) -> None:
    found = ranges.parse(text)
    assert (len(found), found[0], found[-1]) == (count, ip_address(first), ip_address(last))
    assert len(set(found)) == count
    assert ranges.checked(text) == text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Write a network such as"),
        ("campus", "Write a network such as"),
        ("192.0.2.5/24", "has host bits set"),
        ("192.0.2.9-", "Write a network such as"),
        ("192.0.2.9-192.0.2.300", "Write a network such as"),
        ("192.0.2.9-192.0.2.8", "does not come before"),
        ("192.0.2.9-2001:db8::1", "does not come before"),
        ("10.0.0.0/15", "These are 131072 addresses; at most 65536"),
        ("10.1.0.0-10.2.0.0", "These are 65537 addresses"),
        ("::/0", "at most 65536"),
    ],
)
def test_what_cannot(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ranges.parse(text)
