"""Sizes of catalogue items, as people read them."""

from collections.abc import Mapping
from typing import Any


def described(size: Mapping[str, Any]) -> str:
    """A size in one line.

    :param size: as `ItemDefinition` has it in JSON.
    """
    return (
        f"{size['title']}: {size['vcpus']} vCPU, {size['memory_mb'] / 1024:g} GB memory, "
        f"{size['disk_gb']} GB disk"
    )
