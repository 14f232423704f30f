"""What an operator may set for a simulated cloud (`providers.NAME.options`)."""

from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Duration = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Names = Annotated[tuple[str, ...], Field(min_length=1)]


class Options(BaseModel):
    """A simulated cloud. Times are in seconds.

    `file` holds the servers; a relative path is below the state folder. `capacity` counts the
    servers that are not gone yet. `images` and `sizes` are all that it knows. Every server gets
    an address of `network`, and one of `external_network` too when it shall be reached from
    outside. Each call takes `latency_seconds`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Path
    capacity: Annotated[int, Field(ge=0)] = 10
    images: Names
    sizes: Names
    boot_seconds: Duration = 5
    stop_seconds: Duration = 2
    delete_seconds: Duration = 2
    latency_seconds: Duration = 0
    network: IPv4Network = IPv4Network("192.168.0.0/24")
    external_network: IPv4Network = IPv4Network("203.0.113.0/24")
