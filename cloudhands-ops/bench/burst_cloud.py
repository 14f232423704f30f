"""A cloud in the memory of whoever calls it: each call takes its time, and a server runs at once.

An adapter like a third party's (`PLUGIN` is what its installation would tell): what is measured
is cloud-burst, and not how a simulated cloud keeps its servers.
"""

import time
from collections.abc import Collection, Sequence
from itertools import count
from pathlib import Path
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from cloudhands.common.cloud import (
    Address,
    Capabilities,
    Gone,
    Identity,
    Invalid,
    Listing,
    Server,
    ServerSpec,
    ServerState,
    Standing,
)

KIND = "bench"
PLUGIN = f"[cloudhands.providers]\n{KIND} = burst_cloud:ADAPTER\n"


class Options(BaseModel):
    """How long each call takes, in seconds, and a file that tells when a server was looked up.

    That is the first call of a launch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    latency: float
    told: Path | None = None


class MemoryCloud:
    """See `cloudhands.common.cloud.Cloud`; it can do no more than it is measured with."""

    capabilities = Capabilities()

    def __init__(self, options: Options) -> None:
        self._options = options
        self._servers: dict[str, Server] = {}
        self._of: dict[Identity, Server] = {}
        self._numbers = count(1)

    def find(self, identity: Identity) -> Sequence[Server]:
        """See `Cloud`."""
        self._tell(identity)
        self._take_time()
        found = self._of.get(identity)
        return [found] if found else []

    def observe(self, server_id: str) -> Server:
        """See `Cloud`."""
        self._take_time()
        if server_id not in self._servers:
            raise Gone(f"there is no server {server_id}")
        return self._servers[server_id]

    def listed(self, installation: str) -> Listing:
        """See `Cloud`."""
        self._take_time()
        return Listing([one for id_, one in self._of.items() if id_.installation == installation])

    def standing(self, images: Collection[str], sizes: Collection[str]) -> Standing:
        """See `Cloud`."""
        self._take_time()
        return Standing()

    def create(self, spec: ServerSpec) -> Server:
        """See `Cloud`."""
        self._take_time()
        # Several workers have a cloud each, and all of their addresses are held in one database.
        address = Address("inside", str(UUID(spec.identity.appliance)))
        made = Server(
            f"{spec.identity.appliance}-{next(self._numbers)}",
            spec.identity,
            ServerState.RUNNING,
            (address,),
            spec.size,
        )
        self._servers[made.id] = self._of[spec.identity] = made
        return made

    def start(self, server_id: str) -> None:
        """See `Cloud`."""
        self._take_time()

    stop = delete = give_address = reboot = start

    def release(self, identity: Identity) -> None:
        """See `Cloud`."""
        self._take_time()

    def resize(self, server_id: str, size: str) -> None:
        """See `Cloud`."""
        raise Invalid("it cannot")

    def console(self, server_id: str) -> str:
        """See `Cloud`."""
        return ""

    def _tell(self, identity: Identity) -> None:
        """Tell when the cloud is first called for a server, where the settings say."""
        if self._options.told and identity not in self._of:
            with self._options.told.open("a") as file:
                file.write(f"{identity.appliance} {time.time()}\n")

    def _take_time(self) -> None:
        time.sleep(self._options.latency)


class MemoryAdapter:
    """See `cloudhands.common.cloud.Adapter`."""

    Options: ClassVar[type[BaseModel]] = Options

    def connect(self, name: str, options: Options, state: Path) -> MemoryCloud:
        """See `Adapter`."""
        return MemoryCloud(options)


ADAPTER = MemoryAdapter()
