"""The simulated cloud as `cloudhands.common.cloud` wants one."""

import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

from pydantic import BaseModel

from cloudhands.burst.providers.simulated import addresses, capacity, checks, options, views
from cloudhands.burst.providers.simulated.faults_file import FaultsFile, beside
from cloudhands.burst.providers.simulated.lifecycle import NEVER, Phase
from cloudhands.burst.providers.simulated.luck import Luck
from cloudhands.burst.providers.simulated.servers import Row, Servers
from cloudhands.burst.providers.simulated.store import Store
from cloudhands.burst.providers.simulated.troubles import NO_ANSWER, TroubledCloud, Troubles
from cloudhands.common.clock import Clock, now
from cloudhands.common.cloud import (
    Capabilities,
    Cloud,
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

_S = ServerState


class SimulatedCloud:
    """One simulated cloud.

    :param options: its size, its speed and what it knows.
    :param state: the folder that a relative `file` is below.
    :param clock: tells what time it is there.
    :param luck: how things go; here the faults of the options count for nothing.
    """

    capabilities = Capabilities(resize=True, reboot=True, console=True, addresses=True)

    def __init__(
        self, options: options.Options, state: Path, clock: Clock = now, luck: Luck | None = None
    ) -> None:
        self._options = options
        self._store = Store(state / options.file)
        self._clock = clock
        self._luck = luck or Luck()

    # --- looking ---

    def find(self, identity: Identity) -> Sequence[Server]:
        """See `Cloud`."""
        with self._reading() as servers:
            return self._told(servers.of(identity))

    def observe(self, server_id: str) -> Server:
        """See `Cloud`."""
        with self._reading() as servers:
            row, server = self._known(servers, server_id)
            if row.seen_from > self._now():
                raise Gone(f"there is no server {server_id}")
            return server

    def listed(self, installation: str) -> Listing:
        """See `Cloud`."""
        with self._reading() as servers:
            found = self._told(servers.of_installation(installation))
            return Listing(found, views.held(servers.held.of_installation(installation)))

    def everything(self) -> Listing:
        """All that is there, of every installation, found or not; for who wants to know better."""
        with self._reading() as servers:
            found = [server for row in servers.all() if (server := self._server(row))]
            return Listing(found, views.held(servers.held.all()))

    def standing(self, images: Collection[str], sizes: Collection[str]) -> Standing:
        """See `Cloud`."""
        with self._changing() as servers:
            held = Room(servers.held.count(), addresses.count(self._options.external_network))
            quota = {**capacity.rooms(self._options, servers.uses()), "addresses": held}
        return Standing(
            sorted(set(images) - set(self._options.images)),
            sorted(set(sizes) - set(self._options.sizes)),
            quota,
        )

    def console(self, server_id: str) -> str:
        """See `Cloud`."""
        with self._reading() as servers:
            row, _ = self._known(servers, server_id)
            return servers.console(row.id)

    # --- asking ---

    def create(self, spec: ServerSpec) -> Server:
        """See `Cloud`; its external address is given afterwards."""
        checks.spec(self._options, spec)
        with self._changing() as servers:
            capacity.require(self._options, servers.uses(), spec.size)
            row = self._new(spec, addresses.free(self._options.network, servers, "servers"))
            servers.add(row)
            self._write(
                servers,
                row,
                f"building from {spec.image} as {spec.size}, "
                f"{len(spec.authorized_keys)} authorized keys, "
                f"{len(spec.user_data.encode())} bytes of user data",
            )
        return views.server_as(row, _S.BUILDING)

    def start(self, server_id: str) -> None:
        """See `Cloud`; one that is still stopping refuses for now, as real ones do."""
        self._ask(server_id, Phase.STARTING, {_S.STOPPED}, {_S.STOPPING, _S.RESIZING, _S.FAILED})

    def stop(self, server_id: str) -> None:
        """See `Cloud`; one that does not run yet refuses for now, as real ones do."""
        unready = {_S.BUILDING, _S.STARTING, _S.REBOOTING, _S.FAILED}
        self._ask(server_id, Phase.STOPPING, {_S.RUNNING}, unready)

    def reboot(self, server_id: str) -> None:
        """See `Cloud`; one that does not run refuses for now, as real ones do."""
        self._ask(server_id, Phase.REBOOTING, {_S.RUNNING}, set(_S) - {_S.RUNNING, _S.REBOOTING})

    def delete(self, server_id: str) -> None:
        """See `Cloud`."""
        late = self._luck.deletion_late_by()
        self._ask(server_id, Phase.DELETING, set(_S) - {_S.DELETING}, set(), late)

    def resize(self, server_id: str, size: str) -> None:
        """See `Cloud`; one that is not stopped refuses for now, as real ones do."""
        checks.size(self._options, size)
        with self._changing() as servers:
            row, seen = self._known(servers, server_id)
            if row.size == size and seen.state in (_S.STOPPED, _S.RESIZING):
                return
            if seen.state is not _S.STOPPED:
                raise Temporary(f"the server is {seen.state}")
            capacity.require(self._options, servers.uses(), size, instead_of=row.size)
            servers.resize(row.id, size)
            self._enter(servers, row, Phase.RESIZING, f"resizing from {row.size} to {size}")

    def give_address(self, server_id: str) -> None:
        """See `Cloud`."""
        with self._changing() as servers:
            row, seen = self._known(servers, server_id)
            if not row.external:
                raise Invalid("the server was created to have no address from outside")
            if seen.state in (_S.BUILDING, _S.DELETING, _S.FAILED):
                raise Temporary(f"the server is {seen.state}")
            if row.external_number is not None:
                return
            spare = [held for held in servers.held.of(row.identity) if held.server is None]
            if spare:
                servers.held.give(spare[0].number, row.id)
            else:
                number = addresses.free(self._options.external_network, servers, "held")
                servers.held.take(number, row.identity, row.id)
            self._write(servers, row, "was given an external address")

    def release(self, identity: Identity) -> None:
        """See `Cloud`; what a server still has is not given back yet, as with real ones."""
        with self._changing() as servers:
            for held in servers.held.of(identity):
                if held.server is not None:
                    raise Temporary(f"the server {held.server} has its external address still")
                servers.held.release(held.number)

    # --- how ---

    def _ask(
        self,
        server_id: str,
        phase: Phase,
        ready: set[ServerState],
        unready: set[ServerState],
        late: float = 0,
    ) -> None:
        with self._changing() as servers:
            row, seen = self._known(servers, server_id)
            if seen.state in unready:
                raise Temporary(f"the server is still {seen.state}")
            if seen.state in ready:
                self._enter(servers, row, phase, str(phase), late)

    def _enter(self, servers: Servers, row: Row, phase: Phase, line: str, late: float = 0) -> None:
        servers.enter(row.id, phase, min(self._now() + late, NEVER))
        self._write(servers, row, line)

    def _write(self, servers: Servers, row: Row, line: str) -> None:
        servers.write(row.id, f"{self._clock().isoformat(timespec='seconds')} {row.name}: {line}")

    @contextmanager
    def _reading(self) -> Iterator[Servers]:
        with self._answering(), self._store.reading() as servers:
            yield servers

    @contextmanager
    def _changing(self) -> Iterator[Servers]:
        """The servers that are there, those that are gone by now dropped."""
        with self._answering(), self._store.changing() as servers:
            until = self._now() - self._options.delete_seconds
            servers.forget_deleted(until, stuck=not self._luck.sticking)
            yield servers

    @contextmanager
    def _answering(self) -> Iterator[None]:
        if self._options.latency_seconds:
            time.sleep(self._options.latency_seconds)
        try:
            yield
        except sqlite3.OperationalError as error:
            raise Temporary(NO_ANSWER) from error
        except sqlite3.DatabaseError as error:
            raise Temporary(f"its file {self._options.file} cannot be used: {error}") from error

    def _now(self) -> float:
        return self._clock().timestamp()

    def _known(self, servers: Servers, server_id: str) -> tuple[Row, Server]:
        row = servers.get(server_id)
        server = self._server(row) if row else None
        if row is None or server is None:
            raise Gone(f"there is no server {server_id}")
        return row, server

    def _told(self, rows: Sequence[Row]) -> Sequence[Server]:
        """What is found of these now."""
        now, known, luck = self._now(), self._options, self._luck
        found = (views.server(row, now, known, luck) for row in rows if row.seen_from <= now)
        return [server for server in found if server]

    def _new(self, spec: ServerSpec, number: int) -> Row:
        identity, building, now = spec.identity, self._luck.building(), self._now()
        return Row(
            id=str(uuid4()),
            installation=identity.installation,
            appliance=identity.appliance,
            generation=identity.generation,
            name=spec.name,
            image=spec.image,
            size=spec.size,
            number=number,
            external=spec.external_address,
            phase=Phase.BUILDING,
            since=now,
            seen_from=now + building.seen_after if building.seen_after else 0,
            problem=building.problem,
            lacked_room=building.full,
        )

    def _server(self, row: Row) -> Server | None:
        return views.server(row, self._now(), self._options, self._luck)


def connected(name: str, options: options.Options, state: Path, clock: Clock = now) -> Cloud:
    """A simulated cloud at which goes wrong what the options' faults say, or the file beside it.

    :param name: the provider's name in the settings.
    :param clock: tells what time it is there.
    """
    troubles = Troubles(FaultsFile(beside(state / options.file), options.faults))
    cloud = SimulatedCloud(options, state, clock, troubles)
    return TroubledCloud(cloud, troubles, clock)


class SimulatedAdapter:
    """See `cloudhands.common.cloud.Adapter`."""

    Options: ClassVar[type[BaseModel]] = options.Options

    def connect(self, name: str, options: options.Options, state: Path) -> Cloud:
        """See `Adapter`."""
        return connected(name, options, state)


ADAPTER = SimulatedAdapter()
