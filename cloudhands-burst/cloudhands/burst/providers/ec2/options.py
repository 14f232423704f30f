"""What an operator may set for a cloud that speaks EC2's API (`providers.NAME.options`)."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from cloudhands.common.settings.values import LOOPBACK

# Until a connection stands.
CONNECT_SECONDS = 1.0

Seconds = Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1)]


class Options(BaseModel):
    """A cloud that speaks EC2's API. Times are in seconds; relative paths are below `state`.

    `endpoint_url` is empty for Amazon's own in that `region`; `ca_file` signs the certificate of
    one that no public authority vouches for. `credentials_file` is an INI file as Amazon's own
    tools read it, of which the section `profile` is used; it is read again when it has changed.

    An image of the catalogue is an id (`ami-...`), or the name of one that `image_owners` own, of
    which the newest is taken. Servers are made in `subnet`, or else where the account's default
    is, in `security_groups` (names or ids); where none are given, one is made that lets `ssh_from`
    in. `disk_gb` is the size of the root disk, where the image's own is too small.

    No call lasts longer than `limit`, whatever requests it takes, each of which has to be answered
    within `timeout`; `limit` must be below half of `burst.claim`. An answer tells of `page_size`
    servers at most.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: Annotated[str, Field(pattern=r"^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$")]
    endpoint_url: str = ""
    ca_file: Path | None = None
    credentials_file: Path
    profile: Text = "default"
    image_owners: Annotated[tuple[Text, ...], Field(min_length=1)] = ("self",)
    subnet: str = ""
    security_groups: tuple[Text, ...] = ()
    ssh_from: Annotated[tuple[str, ...], Field(min_length=1)] = ("0.0.0.0/0",)
    disk_gb: Annotated[int, Field(ge=1, le=16_384)] | None = None
    limit: Seconds = 7
    timeout: Seconds = 3
    page_size: Annotated[int, Field(ge=5, le=1000)] = 1000

    @field_validator("endpoint_url")
    @classmethod
    def _encrypted(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("write https://HOST, or nothing for Amazon's own")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("what is asked there would go over the network as it is: use https://")
        return url

    @field_validator("ssh_from")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ip_network(network)) for network in networks)

    @model_validator(mode="after")
    def _one_request_fits(self) -> Self:
        if CONNECT_SECONDS + self.timeout > self.limit:
            raise ValueError(f"limit must be longer than timeout by {CONNECT_SECONDS:g} s at least")
        return self
