"""A cloud for tests that can do all that a cloud may: addresses, reboots, other sizes.

What it can do more than the one that it stands before it keeps in memory, for every process of
the test alike.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from uuid import UUID

from cloudhands.burst.relay import Relay
from cloudhands.burst.testing import World
from cloudhands.common.catalogue.commands import ItemDefinition
from cloudhands.common.cloud import (
    Address,
    Capabilities,
    Cloud,
    Full,
    Gone,
    Identity,
    Invalid,
    Server,
    ServerSpec,
    ServerState,
    Temporary,
)
from cloudhands.common.testing.factories import ITEM

SIZES = ("m1.small", "m1.large")

_SMALL = ITEM.model_dump()["sizes"]["small"]
_LARGE = {"vcpus": 3, "memory_mb": 4096, "on": {"private": "m1.large", "public": "m1.large"}}
SERVICE = ItemDefinition.model_validate(
    ITEM.model_dump()
    | {"external_address": True, "sizes": {"small": _SMALL, "large": _SMALL | _LARGE}}
)
"""An item that is reached from outside, in two sizes."""


@dataclass
class Memory:
    """What such a cloud knows of its servers.

    :param addresses: how many there are.
    :param held: which address was taken under an identity.
    :param at: the server that an address is at, by the address.
    :param sizes: of servers that were resized, by id.
    :param resizing: the size that a server is to have once it was asked again.
    :param reboots: the servers that were rebooted, once for each time.
    """

    addresses: int = 8
    held: dict[Identity, str] = field(default_factory=dict)
    at: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, str] = field(default_factory=dict)
    resizing: dict[str, str] = field(default_factory=dict)
    reboots: list[str] = field(default_factory=list)


class CapableCloud(Relay):
    """Does as another one does, and more.

    :param two_steps: whether a resize has to be asked for twice, as some clouds want it.
    """

    capabilities = Capabilities(resize=True, reboot=True, addresses=True)

    def __init__(self, cloud: Cloud, memory: Memory, *, two_steps: bool = True) -> None:
        super().__init__(cloud)
        self._memory = memory
        self._two_steps = two_steps

    def find(self, identity: Identity) -> Sequence[Server]:
        """See `Cloud`."""
        return [self._told(server) for server in super().find(identity)]

    def observe(self, server_id: str) -> Server:
        """See `Cloud`."""
        return self._told(super().observe(server_id))

    def create(self, spec: ServerSpec) -> Server:
        """See `Cloud`; an address that it is reached at from outside it has to be given."""
        return self._told(super().create(replace(spec, external_address=False)))

    def give_address(self, server_id: str) -> None:
        """See `Cloud`."""
        identity, memory = self._present(server_id).identity, self._memory
        if identity not in memory.held:
            memory.held[identity] = self._free(memory.held.values())
        memory.at[memory.held[identity]] = server_id

    def release(self, identity: Identity) -> None:
        """See `Cloud`."""
        address = self._memory.held.pop(identity, "")
        self._memory.at.pop(address, None)

    def reboot(self, server_id: str) -> None:
        """See `Cloud`."""
        if self._present(server_id).state is not ServerState.RUNNING:
            raise Temporary("it does not run")
        self._memory.reboots.append(server_id)

    def resize(self, server_id: str, size: str) -> None:
        """See `Cloud`."""
        server, memory = self._present(server_id), self._memory
        if size not in SIZES:
            raise Invalid(f"the cloud has no size {size!r}")
        if server.state not in (ServerState.STOPPED, ServerState.RESIZING):
            raise Temporary("it is not stopped")
        if self._two_steps and memory.resizing.get(server_id) != size:
            memory.resizing[server_id] = size
            return
        memory.sizes[server_id] = size
        memory.resizing.pop(server_id, None)

    def _free(self, taken: Collection[str]) -> str:
        for number in count(1):
            if number > self._memory.addresses:
                break
            if (address := f"203.0.113.{number}") not in taken:
                return address
        raise Full("no address is left")

    def _present(self, server_id: str) -> Server:
        server = self._told(self._cloud.observe(server_id))
        if server.state is ServerState.DELETING:
            raise Gone(f"there is no server {server_id}")
        return server

    def _told(self, server: Server) -> Server:
        memory = self._memory
        inside = tuple(address for address in server.addresses if not address.external)
        given = tuple(
            Address("external", address, external=True)
            for address, at in memory.at.items()
            if at == server.id
        )
        told = replace(
            server, addresses=inside + given, size=memory.sizes.get(server.id, server.size)
        )
        if server.id in memory.resizing and server.state is ServerState.STOPPED:
            told = replace(told, state=ServerState.RESIZING)
        return told


@dataclass
class CapableWorld(World):
    """A world whose clouds can do all that a cloud may.

    :ivar memories: what the clouds know, by the provider's name.
    """

    memories: dict[str, Memory] = field(default_factory=dict)

    def cloud(self, name: str) -> Cloud:
        """See `World`."""
        memory = self.memories.setdefault(name, Memory())
        return CapableCloud(self.simulated(name), memory)

    def serve(self) -> UUID:
        """Launch an appliance that is reached from outside, and let it come to run."""
        uuid = self.launch(SERVICE)
        self.go_on(10)
        assert self.state(uuid) == "running", self.row(uuid).problem
        return uuid
