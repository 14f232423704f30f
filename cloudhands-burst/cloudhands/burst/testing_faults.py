"""Clouds that fail or do as they like, for tests of the reconcilers."""

from dataclasses import replace
from typing import Any

from sqlalchemy import update

from cloudhands.burst.relay import Relay
from cloudhands.burst.testing import World
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.cloud import Cloud, Server, ServerState


class Killed(BaseException):
    """As if the process had ended there."""


class Faulty(Relay):
    """A cloud that does as another one does, and then, or before, fails as it is told to.

    :param before: what each method raises instead of doing anything, by name; once.
    :param after: what each method raises when it has done it, by name; once.
    """

    def __init__(
        self,
        cloud: Cloud,
        *,
        before: dict[str, BaseException] | None = None,
        after: dict[str, BaseException] | None = None,
    ) -> None:
        super().__init__(cloud)
        self.before = before or {}
        self.after = after or {}
        self.calls: list[str] = []

    def _call(self, name: str, *about: object) -> Any:
        self.calls.append(name)
        if name in self.before:
            raise self.before.pop(name)
        result = super()._call(name, *about)
        if name in self.after:
            raise self.after.pop(name)
        return result


class Broken(Faulty):
    """Builds servers that cannot run.

    :ivar full: whether for want of room.
    """

    broken = True
    full = False

    def observe(self, server_id: str) -> Server:
        server = super().observe(server_id)
        if not self.broken or server.state is ServerState.DELETING:
            return server
        return replace(
            server, state=ServerState.FAILED, problem="no valid host was found", full=self.full
        )


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
