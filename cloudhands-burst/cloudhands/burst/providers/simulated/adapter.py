"""The simulated cloud as `cloudhands.common.cloud` wants one."""

import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

from pydantic import BaseModel

from cloudhands.burst.providers.simulated import addresses, options
from cloudhands.burst.providers.simulated.lifecycle import Phase, state_at
from cloudhands.burst.providers.simulated.store import Row, Servers, Store
from cloudhands.common.clock import Clock, now
from cloudhands.common.cloud import (
    Address,
    Capabilities,
    Full,
    Gone,
    Identity,
    Invalid,
    Listing,
    Room,
    Server,
    ServerSpec,
    ServerState,
    Standing,
    Temporary,
)

USER_DATA_BYTES = 16_384


class SimulatedCloud:
    """One simulated cloud.

    :param options: its size, its speed and what it knows.
    :param state: the folder that a relative `file` is below.
    :param clock: tells what time it is there.
    """

    capabilities = Capabilities()

    def __init__(self, options: options.Options, state: Path, clock: Clock = now) -> None:
        self._options = options
        self._store = Store(state / options.file)
        self._clock = clock

    def find(self, identity: Identity) -> Sequence[Server]:
        """See `Cloud`."""
        with self._reading() as servers:
            rows = servers.of(identity.installation, identity.appliance, identity.generation)
        return [server for row in rows if (server := self._server(row))]

    def observe(self, server_id: str) -> Server:
        """See `Cloud`."""
        with self._reading() as servers:
            return self._known(servers, server_id)[1]

    def create(self, spec: ServerSpec) -> Server:
        """See `Cloud`."""
        self._check(spec)
        with self._changing() as servers:
            present = self._drop_gone(servers)
            if len(present) >= self._options.capacity:
                raise Full(f"all of its {self._options.capacity} servers are in use")
            row = self._new(spec, present)
            servers.add(row)
        return _seen(row, ServerState.BUILDING)

    def start(self, server_id: str) -> None:
        """See `Cloud`; one that is still stopping refuses for now, as real ones do."""
        self._ask(server_id, Phase.STARTING, {ServerState.STOPPED}, {ServerState.STOPPING})

    def stop(self, server_id: str) -> None:
        """See `Cloud`; one that does not run yet refuses for now, as real ones do."""
        unready = {ServerState.BUILDING, ServerState.STARTING}
        self._ask(server_id, Phase.STOPPING, {ServerState.RUNNING}, unready)

    def listed(self, installation: str) -> Listing:
        """See `Cloud`."""
        with self._reading() as servers:
            rows = [row for row in servers.all() if row.installation == installation]
        return Listing([server for row in rows if (server := self._server(row))])

    def standing(self, images: Collection[str], sizes: Collection[str]) -> Standing:
        """See `Cloud`."""
        with self._reading() as servers:
            used = sum(1 for row in servers.all() if self._server(row))
        return Standing(
            sorted(set(images) - set(self._options.images)),
            sorted(set(sizes) - set(self._options.sizes)),
            {"appliances": Room(used, self._options.capacity)},
        )

    def give_address(self, server_id: str) -> None:
        """See `Cloud`; it has one since it was created."""

    def release(self, identity: Identity) -> None:
        """See `Cloud`; an address goes with its server."""

    def reboot(self, server_id: str) -> None:
        """See `Cloud`."""
        raise Invalid("this cloud reboots nothing")

    def resize(self, server_id: str, size: str) -> None:
        """See `Cloud`."""
        raise Invalid("this cloud resizes nothing")

    def console(self, server_id: str) -> str:
        """See `Cloud`."""
        raise Invalid("this cloud shows no console")

    def delete(self, server_id: str) -> None:
        """See `Cloud`."""
        self._ask(server_id, Phase.DELETING, set(ServerState) - {ServerState.DELETING}, set())

    def _ask(
        self, server_id: str, phase: Phase, ready: set[ServerState], unready: set[ServerState]
    ) -> None:
        with self._changing() as servers:
            row, seen = self._known(servers, server_id)
            if seen.state in unready:
                raise Temporary(f"the server is still {seen.state}")
            if seen.state in ready:
                servers.enter(row.id, phase, self._now())

    @contextmanager
    def _reading(self) -> Iterator[Servers]:
        with self._answering(), self._store.reading() as servers:
            yield servers

    @contextmanager
    def _changing(self) -> Iterator[Servers]:
        with self._answering(), self._store.changing() as servers:
            yield servers

    @contextmanager
    def _answering(self) -> Iterator[None]:
        if self._options.latency_seconds:
            time.sleep(self._options.latency_seconds)
        try:
            yield
        except sqlite3.OperationalError as error:
            raise Temporary("the cloud did not answer in time") from error

    def _now(self) -> float:
        return self._clock().timestamp()

    def _state(self, row: Row) -> ServerState | None:
        return state_at(row.phase, row.since, self._now(), self._options)

    def _known(self, servers: Servers, server_id: str) -> tuple[Row, Server]:
        row = servers.get(server_id)
        server = self._server(row) if row else None
        if row is None or server is None:
            raise Gone(f"there is no server {server_id}")
        return row, server

    def _drop_gone(self, servers: Servers) -> list[Row]:
        present = []
        for row in servers.all():
            if self._state(row):
                present.append(row)
            else:
                servers.forget(row.id)
        return present

    def _check(self, spec: ServerSpec) -> None:
        if spec.image not in self._options.images:
            raise Invalid(f"the cloud has no image {spec.image!r}")
        if spec.size not in self._options.sizes:
            raise Invalid(f"the cloud has no size {spec.size!r}")
        if len(spec.user_data.encode()) > USER_DATA_BYTES:
            raise Invalid(f"the user data is longer than {USER_DATA_BYTES} bytes")

    def _new(self, spec: ServerSpec, present: Sequence[Row]) -> Row:
        known, identity = self._options, spec.identity
        external = ""
        if spec.external_address:
            used = {row.external_address for row in present}
            external = addresses.free(known.external_network, used)
        return Row(
            id=str(uuid4()),
            installation=identity.installation,
            appliance=identity.appliance,
            generation=identity.generation,
            name=spec.name,
            image=spec.image,
            size=spec.size,
            address=addresses.free(known.network, {row.address for row in present}),
            external_address=external,
            phase=Phase.BUILDING,
            since=self._now(),
        )

    def _server(self, row: Row) -> Server | None:
        state = self._state(row)
        return _seen(row, state) if state else None


def _seen(row: Row, state: ServerState) -> Server:
    held = [Address("private", row.address)]
    if row.external_address:
        held.append(Address("external", row.external_address, external=True))
    return Server(
        id=row.id,
        identity=Identity(row.installation, row.appliance, row.generation),
        state=state,
        addresses=tuple(held),
        size=row.size,
        details={"name": row.name, "image": row.image, "size": row.size},
    )


class SimulatedAdapter:
    """See `cloudhands.common.cloud.Adapter`."""

    Options: ClassVar[type[BaseModel]] = options.Options

    def connect(self, name: str, options: options.Options, state: Path) -> SimulatedCloud:
        """See `Adapter`."""
        return SimulatedCloud(options, state)


ADAPTER = SimulatedAdapter()
