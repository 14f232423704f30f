"""Clouds that fail or do as they like, for tests of the reconcilers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import update

from cloudhands.burst.testing import World
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.cloud import Capabilities, Cloud, Identity, Server, ServerSpec, ServerState


class Killed(BaseException):
    """As if the process had ended there."""


class Faulty:
    """A cloud that does as another one does, and then, or before, fails as it is told to.

    :param before: what each method raises instead of doing anything, by name; once.
    :param after: what each method raises when it has done it, by name; once.
    """

    capabilities = Capabilities()

    def __init__(
        self,
        cloud: Cloud,
        *,
        before: dict[str, BaseException] | None = None,
        after: dict[str, BaseException] | None = None,
    ) -> None:
        self._cloud = cloud
        self.before = before or {}
        self.after = after or {}
        self.calls: list[str] = []

    def find(self, identity: Identity) -> Sequence[Server]:
        found: Sequence[Server] = self._do("find", identity)
        return found

    def observe(self, server_id: str) -> Server:
        return self._server("observe", server_id)

    def create(self, spec: ServerSpec) -> Server:
        return self._server("create", spec)

    def start(self, server_id: str) -> None:
        self._do("start", server_id)

    def stop(self, server_id: str) -> None:
        self._do("stop", server_id)

    def delete(self, server_id: str) -> None:
        self._do("delete", server_id)

    def _server(self, name: str, about: object) -> Server:
        server: Server = self._do(name, about)
        return server

    def _do(self, name: str, about: object) -> Any:
        self.calls.append(name)
        if name in self.before:
            raise self.before.pop(name)
        result = getattr(self._cloud, name)(about)
        if name in self.after:
            raise self.after.pop(name)
        return result


class Broken(Faulty):
    """Builds servers that cannot run."""

    broken = True

    def observe(self, server_id: str) -> Server:
        server = super().observe(server_id)
        if not self.broken or server.state is ServerState.DELETING:
            return server
        return replace(server, state=ServerState.FAILED, problem="no valid host was found")


def faulty(world: World, name: str = "private", **faults: Any) -> Faulty:
    """Put a faulty cloud in a cloud's place."""
    cloud = Faulty(world.clouds[name], **faults)
    world.clouds[name] = cloud
    return cloud


def present(world: World, provider: str = "private") -> list[str]:
    """The servers that a cloud has and is not deleting."""
    servers = world.servers(provider)
    return [server.id for server in servers if server.state is not ServerState.DELETING]


def at_the_cloud(world: World, verb: str) -> None:
    """Do something to the one server behind our back, and let it come to rest."""
    (server,) = world.servers("private")
    getattr(world.clouds["private"], verb)(server.id)
    world.clock.advance(5)


def look_again(world: World) -> None:
    """Make everything due, as a look at all servers would."""
    with world.database.writing() as session:
        session.execute(update(Appliance).values(due_at=world.clock()))
