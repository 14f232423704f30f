"""How much of a simulated cloud is used, and whether there is room for more."""

from collections.abc import Mapping

from cloudhands.burst.providers.simulated.options import Options
from cloudhands.common.cloud import Full, Room


def rooms(options: Options, uses: Mapping[str, int]) -> Mapping[str, Room]:
    """What its servers take of what it has, by the names of `limits.Amounts`.

    :param uses: how many servers there are, by size.
    """
    found = {"appliances": Room(sum(uses.values()), options.capacity)}
    for name, limit in (
        ("vcpus", options.capacity_vcpus),
        ("memory_mb", options.capacity_memory_mb),
    ):
        if limit is not None:
            found[name] = Room(_taken(options, uses, name), limit)
    return found


def require(
    options: Options, uses: Mapping[str, int], size: str, instead_of: str | None = None
) -> None:
    """See that there is room for one more server.

    :param instead_of: the size of the one in whose place it comes, if any.
    :raises Full: if there is none.
    """
    counts = dict(uses)
    counts[size] = counts.get(size, 0) + 1
    if instead_of is not None:
        counts[instead_of] -= 1
    if sum(counts.values()) > options.capacity and instead_of is None:
        raise Full(f"all of its {options.capacity} servers are in use")
    before, after = rooms(options, uses), rooms(options, counts)
    for name, words in (("vcpus", "vCPUs"), ("memory_mb", "MB of memory")):
        room = after.get(name)
        # A limit that was set below what is in use stops only what would take more.
        if room and room.used > room.limit and room.used > before[name].used:
            left = room.limit - before[name].used
            raise Full(f"of its {room.limit} {words} {max(0, left)} are left")


def _taken(options: Options, uses: Mapping[str, int], name: str) -> int:
    amounts = options.amounts
    return sum(
        count * getattr(amounts[size], name) for size, count in uses.items() if size in amounts
    )
