"""What an operator may set of an OpenStack cloud."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from cloudhands.common.settings.values import LOOPBACK

PUBLIC = "public"


class Options(BaseModel):
    """The options of a provider of the kind `openstack`.

    `credentials` is a file with the secrets: a `clouds.yaml` as the cloud's own pages offer it, of
    which `cloud` names one cloud where it holds several, or the keys themselves (TOML, JSON, YAML).
    `auth_url` and `region` are for a file without them. `interface` says which of the cloud's
    endpoints to use. `ca_file` is who signed the cloud's certificates, where the system does not
    know them; they are always verified.

    `network` is the network that servers are put in and `external_network` the one that floating
    IPs are taken from, each a name or an id; without the latter the cloud gives no address that is
    reached from outside. `security_groups` guard the servers: none named is the project's default.
    `config_drive` gives user data on a disk too, for networks without a metadata service.

    No call takes longer than `timeout` seconds, all that belongs to it together; it must be shorter
    than half of the setting `burst.claim`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    credentials: Path
    cloud: str = ""
    auth_url: str = ""
    region: str = ""
    interface: Annotated[str, Field(pattern="^(public|internal|admin)$")] = PUBLIC
    ca_file: Path | None = None
    network: Annotated[str, Field(min_length=1)]
    external_network: str = ""
    security_groups: tuple[str, ...] = ()
    config_drive: bool = False
    timeout: Annotated[float, Field(gt=0, le=300)] = 6

    @field_validator("auth_url")
    @classmethod
    def _secrets_are_encrypted(cls, url: str) -> str:
        if url and not is_encrypted(url):
            raise ValueError("the secret would go over the network as it is: write https://")
        return url


def is_encrypted(url: str) -> bool:
    """Whether what is sent there cannot be read on the way."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
