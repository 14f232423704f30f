"""What every cloud adapter must do: tests to be inherited by whoever writes one.

::

    class TestMyCloud(CloudContract):
        @pytest.fixture
        def trial(self) -> Trial:
            return Trial(cloud=..., image="debian-12", size="m1.small")

Each test makes servers of its own and deletes what it made. A cloud with `capacity` given must
have none but these; leave it None where nobody can say how many fit.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import pytest

from cloudhands.common.cloud import (
    Cloud,
    Full,
    Gone,
    Identity,
    Invalid,
    Server,
    ServerSpec,
    ServerState,
)

POLL = 0.02


@dataclass
class Trial:
    """A cloud to be tried.

    :param image: one of its images.
    :param size: one of its sizes.
    :param capacity: how many servers fit, None if that is not known.
    :param limit: seconds that a server may take to boot, to stop or to vanish.
    :param external: whether it can give an address that is reached from outside.
    """

    cloud: Cloud
    image: str
    size: str
    capacity: int | None = None
    limit: float = 10
    external: bool = True
    made: list[str] = field(default_factory=list)

    def spec(self, identity: Identity | None = None, **others: Any) -> ServerSpec:
        """What to create, for a new appliance unless an identity is given."""
        identity = identity or Identity(str(uuid4()), str(uuid4()), 1)
        name = f"cloudhands-{identity.appliance}-{identity.generation}"
        plain = ServerSpec(identity=identity, name=name, image=self.image, size=self.size)
        return replace(plain, **others)

    def create(self, identity: Identity | None = None, **others: Any) -> Server:
        """Create a server, to be deleted at the end."""
        server = self.cloud.create(self.spec(identity, **others))
        self.made.append(server.id)
        return server

    def running(self, **others: Any) -> Server:
        """A new server that runs."""
        return self.becomes(self.create(**others).id, ServerState.RUNNING)

    def becomes(self, server_id: str, state: ServerState) -> Server:
        """Wait until a server is in a state."""
        return self.wait_for(lambda: self._in(server_id, state))

    def vanishes(self, server_id: str) -> None:
        """Wait until a server is gone."""
        self.wait_for(lambda: self._is_gone(server_id))

    def wait_for(self, look: Callable[[], Server | None]) -> Server:
        """Wait until a look finds something; what is not there counts as nothing."""
        deadline = time.monotonic() + self.limit
        while (found := look()) is None:
            assert time.monotonic() < deadline, f"not so after {self.limit:g} s"
            time.sleep(POLL)
        return found

    def clear(self) -> None:
        """Delete every server that was made and wait until it is gone."""
        for server_id in self.made:
            if not self._is_gone(server_id):
                self.cloud.delete(server_id)
        for server_id in self.made:
            self.vanishes(server_id)

    def _in(self, server_id: str, state: ServerState) -> Server | None:
        server = self.cloud.observe(server_id)
        assert server.state is not ServerState.FAILED, server.problem
        return server if server.state is state else None

    def _is_gone(self, server_id: str) -> Server | None:
        try:
            self.cloud.observe(server_id)
        except Gone:
            return _NOBODY
        return None


_NOBODY = Server("", Identity("", "", 0), ServerState.DELETING)
MISSING = "00000000-0000-4000-8000-000000000000"


class CloudContract:
    """Inherit from it, and give a `trial`."""

    @pytest.fixture
    def trial(self) -> Trial:
        """The cloud to be tried."""
        raise NotImplementedError("give a fixture 'trial' that makes a Trial")

    @pytest.fixture
    def at(self, trial: Trial) -> Iterator[Trial]:
        """The trial, its servers deleted afterwards."""
        yield trial
        trial.clear()

    # --- create and look up ---

    def test_a_new_server_comes_to_run(self, at: Trial) -> None:
        spec = at.spec()
        made = at.create(spec.identity)
        assert made.identity == spec.identity
        assert made.state in (ServerState.BUILDING, ServerState.RUNNING)
        assert at.becomes(made.id, ServerState.RUNNING).id == made.id

    def test_it_is_found_by_its_whole_identity(self, at: Trial) -> None:
        identity = at.spec().identity
        assert list(at.cloud.find(identity)) == []
        made = at.create(identity)
        assert [server.id for server in at.cloud.find(identity)] == [made.id]
        for other in (
            replace(identity, installation=str(uuid4())),
            replace(identity, appliance=str(uuid4())),
            replace(identity, generation=2),
        ):
            assert list(at.cloud.find(other)) == []

    def test_every_duplicate_is_found(self, at: Trial) -> None:
        identity = at.spec().identity
        made = {at.create(identity).id}
        try:
            made.add(at.create(identity).id)
        except (Full, Invalid):
            pytest.skip("this cloud refuses a second server of the same name")
        assert {server.id for server in at.cloud.find(identity)} == made

    def test_what_is_not_there_is_gone(self, at: Trial) -> None:
        for call in (at.cloud.observe, at.cloud.start, at.cloud.stop, at.cloud.delete):
            with pytest.raises(Gone):
                call(MISSING)

    def test_an_unknown_image_is_invalid(self, at: Trial) -> None:
        spec = at.spec(image="no-such-image")
        with pytest.raises(Invalid, match="no-such-image"):
            at.cloud.create(spec)
        assert list(at.cloud.find(spec.identity)) == []

    def test_an_unknown_size_is_invalid(self, at: Trial) -> None:
        spec = at.spec(size="no-such-size")
        with pytest.raises(Invalid, match="no-such-size"):
            at.cloud.create(spec)
        assert list(at.cloud.find(spec.identity)) == []

    def test_keys_and_user_data_are_taken(self, at: Trial) -> None:
        made = at.create(authorized_keys=("ssh-ed25519 AAAA",), user_data="#cloud-config\n")
        assert at.becomes(made.id, ServerState.RUNNING).identity == made.identity

    # --- capacity ---

    def test_a_full_cloud_says_so_and_makes_nothing(self, at: Trial) -> None:
        if at.capacity is None:
            pytest.skip("nobody can say how many servers fit")
        for _ in range(at.capacity):
            at.create()
        spec = at.spec()
        with pytest.raises(Full):
            at.cloud.create(spec)
        assert list(at.cloud.find(spec.identity)) == []

    def test_what_is_gone_leaves_room(self, at: Trial) -> None:
        if at.capacity is None:
            pytest.skip("nobody can say how many servers fit")
        made = [at.create() for _ in range(at.capacity)]
        at.cloud.delete(made[0].id)
        at.vanishes(made[0].id)
        assert at.create().id not in {server.id for server in made}

    # --- addresses ---

    def test_running_servers_have_addresses_of_their_own(self, at: Trial) -> None:
        first, second = at.running(), at.running()
        assert first.addresses
        assert second.addresses
        assert set(first.addresses).isdisjoint(second.addresses)

    def test_one_reached_from_outside_has_one_more_address(self, at: Trial) -> None:
        if not at.external:
            pytest.skip("this cloud gives no address that is reached from outside")
        inside, outside = at.running(), at.running(external_address=True)
        assert len(outside.addresses) > len(inside.addresses)

    def test_a_stopped_server_keeps_its_addresses(self, at: Trial) -> None:
        ran = at.running()
        at.cloud.stop(ran.id)
        at.becomes(ran.id, ServerState.STOPPED)
        at.cloud.start(ran.id)
        assert ran.addresses[0] in at.becomes(ran.id, ServerState.RUNNING).addresses

    # --- stop, start, delete; each may be asked twice ---

    def test_it_stops_and_starts(self, at: Trial) -> None:
        server_id = at.running().id
        at.cloud.stop(server_id)
        at.becomes(server_id, ServerState.STOPPED)
        at.cloud.stop(server_id)
        assert at.cloud.observe(server_id).state is ServerState.STOPPED
        at.cloud.start(server_id)
        at.becomes(server_id, ServerState.RUNNING)
        at.cloud.start(server_id)
        assert at.cloud.observe(server_id).state is ServerState.RUNNING

    def test_it_is_deleted_once_it_is_gone(self, at: Trial) -> None:
        spec = at.spec()
        server_id = at.create(spec.identity).id
        at.becomes(server_id, ServerState.RUNNING)
        at.cloud.delete(server_id)
        at.vanishes(server_id)
        assert list(at.cloud.find(spec.identity)) == []
        with pytest.raises(Gone):
            at.cloud.delete(server_id)

    def test_deleting_twice_is_harmless(self, at: Trial) -> None:
        server_id = at.running().id
        at.cloud.delete(server_id)
        with suppress(Gone):
            at.cloud.delete(server_id)
        at.vanishes(server_id)
        with pytest.raises(Gone):
            at.cloud.observe(server_id)

    def test_it_is_deleted_while_it_is_built(self, at: Trial) -> None:
        server_id = at.create().id
        at.cloud.delete(server_id)
        at.vanishes(server_id)
        with pytest.raises(Gone):
            at.cloud.observe(server_id)

    def test_it_is_deleted_while_it_is_stopped(self, at: Trial) -> None:
        server_id = at.running().id
        at.cloud.stop(server_id)
        at.becomes(server_id, ServerState.STOPPED)
        at.cloud.delete(server_id)
        at.vanishes(server_id)
        with pytest.raises(Gone):
            at.cloud.observe(server_id)
