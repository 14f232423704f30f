"""What tests of cloud-burst share: a small world under a clock that is held."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Network
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from cloudhands.burst.context import Context, known
from cloudhands.burst.loop import Loop
from cloudhands.burst.outcome import Outcome
from cloudhands.burst.providers.simulated.adapter import SimulatedCloud
from cloudhands.burst.providers.simulated.options import Options
from cloudhands.burst.reconcilers.appliance.reconciler import ApplianceReconciler
from cloudhands.common import history, work
from cloudhands.common.actor.tables import User
from cloudhands.common.appliance import commands, server_commands
from cloudhands.common.appliance.commands import Goal
from cloudhands.common.appliance.queries import addresses_of, by_uuid
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.catalogue.commands import ItemDefinition
from cloudhands.common.cloud import Cloud, Server
from cloudhands.common.db import Database
from cloudhands.common.limits import Amounts, Limited
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.commands import Overflow
from cloudhands.common.provider.queries import subscription_to
from cloudhands.common.settings import Settings
from cloudhands.common.testing.factories import ITEM, NOON, PROVIDERS, Factory

BOOT, STOP = 3, 2
SETTLE = 10
CAPACITY = {"private": 4, "public": 20}
NETWORKS = {"private": IPv4Network("192.168.0.0/24"), "public": IPv4Network("10.0.0.0/24")}


@dataclass
class HeldClock:
    """A clock that goes when it is told to."""

    moment: datetime = NOON

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass
class World:
    """An organisation with two simulated clouds, and cloud-burst's parts, under a held clock."""

    database: Database
    folder: Path
    clock: HeldClock = field(default_factory=HeldClock)
    overflow: Overflow = "auto"
    settings: Settings = field(init=False)
    clouds: dict[str, Cloud] = field(init=False)
    organisation_id: int = field(init=False)
    owner_id: int = field(init=False)
    installation: str = field(init=False)
    _numbers: Iterator[int] = field(init=False, default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        providers = {
            name: defined.model_copy(update={"settle": SETTLE})
            for name, defined in PROVIDERS.items()
        }
        self.settings = Settings(state=self.folder, providers=providers)
        self.clouds = {name: self.cloud(name) for name in PROVIDERS}
        self.installation = known(self.database, self.clock, self.clouds)
        with self.database.writing() as session:
            make = Factory(session)
            organisation = make.organisation(overflow=self.overflow)
            self.organisation_id = organisation.id
            self.owner_id = make.member(organisation, "alice").id

    def cloud(self, name: str) -> Cloud:
        """The cloud of that name: a simulated one, unless a subclass has another."""
        return self.simulated(name)

    def simulated(self, name: str) -> SimulatedCloud:
        options = Options(
            file=Path(f"{name}.db"),
            capacity=CAPACITY[name],
            images=("debian-12",),
            sizes=("m1.small", "m1.large"),
            boot_seconds=BOOT,
            stop_seconds=STOP,
            delete_seconds=STOP,
            network=NETWORKS[name],
        )
        return SimulatedCloud(options, self.folder, self.clock)

    @property
    def context(self) -> Context:
        return Context(self.database, self.settings, self.clouds, self.installation, self.clock)

    @property
    def reconciler(self) -> ApplianceReconciler:
        return ApplianceReconciler(self.context)

    # --- what people do ---

    def launch(self, item: ItemDefinition = ITEM) -> UUID:
        with self.database.writing() as session:
            made = Factory(session, self.clock()).item(item)
            organisation = session.get_one(Organisation, self.organisation_id)
            owner = session.get_one(User, self.owner_id)
            wanted = commands.Launch(label=f"appliance{next(self._numbers)}", size="small")
            return commands.launch(session, owner, organisation, made, wanted, self.clock()).uuid

    def want(self, uuid: UUID, goal: Goal) -> None:
        with self.database.writing() as session:
            appliance = by_uuid(session, uuid, lock=True)
            owner = session.get_one(User, self.owner_id)
            assert appliance is not None
            commands.set_goal(session, owner, appliance, goal, self.clock())

    def retry(self, uuid: UUID) -> None:
        self._ask(uuid, commands.retry)

    def reboot(self, uuid: UUID) -> None:
        self._ask(uuid, server_commands.reboot)

    def resize(self, uuid: UUID, size: str) -> None:
        def ask(session: Session, owner: User, appliance: Appliance, now: datetime) -> None:
            wanted = server_commands.Resize(size=size)
            server_commands.resize(session, owner, appliance, wanted, now)

        self._ask(uuid, ask)

    def _ask(
        self, uuid: UUID, command: Callable[[Session, User, Appliance, datetime], None]
    ) -> None:
        with self.database.writing() as session:
            appliance = by_uuid(session, uuid, lock=True)
            owner = session.get_one(User, self.owner_id)
            assert appliance is not None
            command(session, owner, appliance, self.clock())

    # --- what cloud-burst does ---

    def claims(self, limit: int = 100) -> list[work.Claim]:
        with self.database.writing() as session:
            return list(work.claim(session, Appliance, self.clock(), 15, limit))

    def look(self) -> list[Outcome]:
        """Take care of everything that is due now, once."""
        reconciler = self.reconciler
        return [reconciler.reconcile(claim) for claim in self.claims()]

    def go_on(self, seconds: float = 8) -> None:
        """Let time pass, and take care of everything when it becomes due."""
        end = self.clock() + timedelta(seconds=seconds)
        while (due := self._next_due()) and due <= end:
            self.clock.moment = max(due, self.clock())
            self.look()
        self.clock.moment = end

    def _next_due(self) -> datetime | None:
        with self.database.reading() as session:
            return work.next_due(session, Appliance)

    def loop(self) -> Loop:
        return Loop(self.context, [self.reconciler], Event())

    # --- what can be seen ---

    def row(self, uuid: UUID) -> Appliance:
        with self.database.reading() as session:
            appliance = by_uuid(session, uuid)
            assert appliance is not None
            session.expunge_all()
            return appliance

    def state(self, uuid: UUID) -> str:
        return self.row(uuid).state

    def addresses(self, uuid: UUID) -> list[str]:
        with self.database.reading() as session:
            appliance = by_uuid(session, uuid)
            assert appliance is not None
            return list(addresses_of(session, appliance.id))

    def history(self, uuid: UUID) -> list[tuple[str | None, str]]:
        """Each change of state and why, the oldest first."""
        with self.database.reading() as session:
            events = history.latest(session, uuid)
        return [(event.to_state, event.why) for event in reversed(events) if event.changed_state]

    def states(self, uuid: UUID) -> list[str | None]:
        return [state for state, _ in self.history(uuid)]

    def nodes(self, uuid: UUID) -> list[Node]:
        with self.database.reading() as session:
            appliance = by_uuid(session, uuid)
            assert appliance is not None
            nodes = sorted(appliance.nodes, key=lambda node: node.id)
            session.expunge_all()
            return nodes

    def whys(self, uuid: UUID) -> list[str]:
        """Everything that history tells, the oldest first."""
        with self.database.reading() as session:
            return [event.why for event in reversed(history.latest(session, uuid))]

    def used(self) -> int:
        """What is taken of the organisation's limit."""
        with self.database.reading() as session:
            return session.get_one(Organisation, self.organisation_id).appliances_used

    def shares(self, provider: str) -> tuple[Amounts, Amounts]:
        """What is reserved of the organisation's limits, and of those at a provider."""
        with self.database.reading() as session:
            found = subscription_to(session, self.organisation_id, provider)
            assert found is not None
            rows: tuple[Limited, ...] = (
                session.get_one(Organisation, self.organisation_id),
                found,
            )
            ours, there = (Amounts(**{use.name: use.used for use in row.uses}) for row in rows)
            return ours, there

    def servers(self, provider: str, uuid: UUID | None = None) -> list[Server]:
        """The servers that a cloud has, of every generation."""
        cloud: Any = self.simulated(provider)
        with cloud._store.reading() as servers:
            rows = [row for row in servers.all() if uuid is None or row.appliance == str(uuid)]
        return [server for row in rows if (server := cloud._server(row))]
