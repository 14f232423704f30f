"""Clouds that fail or do as they like, for tests of the reconcilers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from cloudhands.burst.relay import Relay
from cloudhands.burst.testing import World
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.cloud import Cloud, Gone, Identity, Server, ServerState


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
        self._done(name, result)
        if name in self.after:
            raise self.after.pop(name)
        return result

    def _done(self, name: str, result: Any) -> None:
        """What the cloud behind it has answered, also where the answer is lost."""


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


class Stuck(Faulty):
    """Begins to build servers, and never ends."""

    def observe(self, server_id: str) -> Server:
        server = super().observe(server_id)
        going = server.state is ServerState.DELETING
        return server if going else replace(server, state=ServerState.BUILDING)


class Late(Faulty):
    """Shows the servers that it makes only after some seconds, as clouds of many parts do."""

    def __init__(self, world: World, seconds: float, provider: str = "private") -> None:
        super().__init__(world.clouds[provider])
        world.clouds[provider] = self
        self._clock = world.clock
        self._seconds = seconds
        self._shown_at: dict[str, datetime] = {}

    def find(self, identity: Identity) -> Sequence[Server]:
        return [server for server in super().find(identity) if self._shows(server.id)]

    def _call(self, name: str, *about: object) -> Any:
        if name in ("observe", "start", "stop", "delete") and not self._shows(str(about[0])):
            self.calls.append(name)
            raise Gone("there is no such server")
        return super()._call(name, *about)

    def _done(self, name: str, result: Any) -> None:
        if name == "create":
            self._shown_at[result.id] = self._clock() + timedelta(seconds=self._seconds)

    def _shows(self, server_id: str) -> bool:
        shown_at = self._shown_at.get(server_id)
        return shown_at is None or shown_at <= self._clock()


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
