"""Whether a cloud's own quota has room for an appliance: pure."""

from collections.abc import Mapping

from cloudhands.common.cloud import Room
from cloudhands.common.limits import WORDS, Amounts


def quota_shortage(quota: Mapping[str, Room], wanted: Amounts) -> str:
    """Which quota would be passed, in words; empty if none would.

    :param quota: as a cloud tells it (`Standing.quota`); what is left out has no limit.
    """
    for name, words in WORDS.items():
        room, takes = quota.get(name), getattr(wanted, name)
        if room is not None and takes and room.used + takes > room.limit:
            left = max(room.limit - room.used, 0)
            return f"{left:,} of {room.limit:,} {words} are left, and this takes {takes:,}"
    return ""
