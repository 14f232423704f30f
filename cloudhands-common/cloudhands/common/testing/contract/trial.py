"""A cloud to be tried, and how a test waits for it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast
from uuid import uuid4

import pytest

from cloudhands.common.cloud import (
    Cloud,
    Gone,
    Held,
    Identity,
    Server,
    ServerSpec,
    ServerState,
    Temporary,
)

T = TypeVar("T")
MISSING = "00000000-0000-4000-8000-000000000000"


@dataclass
class Trial:
    """A cloud to be tried.

    :param cloud: it; calls of it are made again after `Temporary`.
    :param image: one of its images.
    :param size: one of its sizes.
    :param other_size: another one that a server can be resized to, empty if none is to be tried.
    :param capacity: how many servers fit, None if that is not known.
    :param limit: seconds that a server may take to boot, to stop or to vanish.
    :param poll: seconds between two looks.
    """

    cloud: Cloud
    image: str
    size: str
    other_size: str = ""
    capacity: int | None = None
    limit: float = 10
    poll: float = 0.02
    made: list[Server] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cloud = cast(Cloud, _Patient(self.cloud, self))

    # --- what is made ---

    def spec(self, identity: Identity | None = None, **others: Any) -> ServerSpec:
        """What to create, for a new appliance unless an identity is given."""
        identity = identity or new_identity()
        name = f"cloudhands-{identity.appliance}-{identity.generation}"
        plain = ServerSpec(identity=identity, name=name, image=self.image, size=self.size)
        return replace(plain, **others)

    def create(self, identity: Identity | None = None, **others: Any) -> Server:
        """Create a server, to be deleted at the end, and wait until it can be looked up."""
        server = self.cloud.create(self.spec(identity, **others))
        self.made.append(server)
        self.wait_for(lambda: self._seen(server.id))
        return server

    def running(self, identity: Identity | None = None, **others: Any) -> Server:
        """A new server that runs."""
        return self.becomes(self.create(identity, **others).id, ServerState.RUNNING)

    def stopped(self, **others: Any) -> Server:
        """A new server that was stopped."""
        server_id = self.running(**others).id
        self.cloud.stop(server_id)
        return self.becomes(server_id, ServerState.STOPPED)

    def clear(self) -> None:
        """Delete every server that was made, wait until it is gone, and release its addresses."""
        for server in self.made:
            try:
                self.cloud.delete(server.id)
            except Gone:
                continue
        for server in self.made:
            self.vanishes(server.id)
        if self.cloud.capabilities.addresses:
            for identity in {server.identity for server in self.made}:
                self.cloud.release(identity)

    # --- what is waited for ---

    def becomes(self, server_id: str, state: ServerState) -> Server:
        """Wait until a server is in a state."""
        return self.wait_for(lambda: self._in(server_id, state))

    def has_external(self, server_id: str) -> Server:
        """Wait until a server has an address that it is reached at from outside."""
        return self.wait_for(
            lambda: found if (found := self._seen(server_id)) and found.external else None
        )

    def vanishes(self, server_id: str) -> None:
        """Wait until a server is gone."""
        self.wait_for(lambda: None if self._seen(server_id) else True)

    def finds(self, identity: Identity, *ids: str) -> None:
        """Wait until these servers and no others are found under an identity."""
        self.comes(lambda: {server.id for server in self.cloud.find(identity)}, set(ids))

    def lists(self, installation: str, *ids: str) -> None:
        """Wait until these servers and no others are listed of an installation."""
        listed = self.cloud.listed
        self.comes(lambda: {server.id for server in listed(installation).servers}, set(ids))

    def held(self, identity: Identity) -> list[Held]:
        """The addresses that are listed as taken for an identity."""
        listing = self.cloud.listed(identity.installation)
        return [held for held in listing.held if held.identity == identity]

    def holds_nothing(self, identity: Identity) -> None:
        """Wait until no address is listed as taken for an identity."""
        self.wait_for(lambda: None if self.held(identity) else True)

    def comes(self, look: Callable[[], T], wanted: T) -> None:
        """Wait until a look finds what is wanted."""
        deadline = time.monotonic() + self.limit
        while (found := look()) != wanted:
            assert time.monotonic() < deadline, f"{found}, not {wanted}, after {self.limit:g} s"
            time.sleep(self.poll)

    def wait_for(self, look: Callable[[], T | None]) -> T:
        """Wait until a look finds something."""
        deadline = time.monotonic() + self.limit
        while (found := look()) is None:
            assert time.monotonic() < deadline, f"not so after {self.limit:g} s"
            time.sleep(self.poll)
        return found

    def needs(self, capability: str) -> None:
        """Skip the test at a cloud that does not say that it can do that."""
        if not getattr(self.cloud.capabilities, capability):
            pytest.skip(f"this cloud's capabilities do not offer: {capability}")

    def _in(self, server_id: str, state: ServerState) -> Server | None:
        server = self.cloud.observe(server_id)
        assert server.state is not ServerState.FAILED, server.problem
        return server if server.state is state else None

    def _seen(self, server_id: str) -> Server | None:
        try:
            return self.cloud.observe(server_id)
        except Gone:
            return None


def new_identity(installation: str = "") -> Identity:
    """An identity that nobody has, of a new installation unless one is given."""
    return Identity(installation or str(uuid4()), str(uuid4()), 1)


class _Patient:
    """A cloud whose calls are made again after `Temporary`, as cloudhands does."""

    def __init__(self, cloud: Any, trial: Trial) -> None:
        self._cloud = cloud
        self._trial = trial

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._cloud, name)
        return self._patiently(name, found) if callable(found) else found

    def _patiently(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*about: Any) -> Any:
            deadline = time.monotonic() + self._trial.limit
            while True:
                try:
                    return call(*about)
                except Temporary as error:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(max(self._trial.poll, error.retry_after or 0))
                    # Whether it has taken effect is not known.
                    if name == "create" and (found := self.find(about[0].identity)):
                        return found[0]

        return called
