"""What an operator may set for a simulated cloud (`providers.NAME.options`)."""

from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cloudhands.burst.providers.simulated.faults import Faults

Duration = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Names = Annotated[tuple[str, ...], Field(min_length=1)]
Amount = Annotated[int, Field(ge=0)]


class Size(BaseModel):
    """What a server of a size takes: `vcpus`, and `memory_mb` of memory."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vcpus: Amount
    memory_mb: Amount


class Options(BaseModel):
    """A simulated cloud. Times are in seconds.

    `file` holds the servers; a relative path is below the state folder. `capacity` counts the
    servers that are not gone yet; `capacity_vcpus` and `capacity_memory_mb` what they take, by the
    `amounts` of their sizes. `images` and `sizes` are all that it knows. Every server gets an
    address of `network`; one of `external_network` is given when it is asked for. Each call takes
    `latency_seconds`, and `boot_seconds`, `stop_seconds`, `reboot_seconds`, `resize_seconds` and
    `delete_seconds` pass until what was asked for is so. What shall go wrong stands in `faults`, or
    at run time in a file beside the servers', `FILE.faults.json`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Path
    capacity: Amount = 10
    capacity_vcpus: Amount | None = None
    capacity_memory_mb: Amount | None = None
    images: Names
    sizes: Names
    amounts: Mapping[str, Size] = Field(default_factory=dict)
    boot_seconds: Duration = 5
    stop_seconds: Duration = 2
    reboot_seconds: Duration = 3
    resize_seconds: Duration = 3
    delete_seconds: Duration = 2
    latency_seconds: Duration = 0
    network: IPv4Network = IPv4Network("192.168.0.0/24")
    external_network: IPv4Network = IPv4Network("203.0.113.0/24")
    faults: Faults = Faults()

    @model_validator(mode="after")
    def _what_is_limited_is_known(self) -> Self:
        limited = (self.capacity_vcpus, self.capacity_memory_mb) != (None, None)
        if limited and (unknown := sorted(set(self.sizes) - set(self.amounts))):
            raise ValueError(
                f"amounts: vcpus and memory_mb of {', '.join(unknown)} are missing, "
                "but capacity_vcpus or capacity_memory_mb limits them"
            )
        return self
