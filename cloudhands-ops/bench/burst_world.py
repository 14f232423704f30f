"""A site on which launches are counted: an organisation, a cloud, and others that are at rest."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from burst_cloud import KIND
from harness.bursts import Bursts, bursts
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from cloudhands.common import clock, settings, work
from cloudhands.common.actor.tables import User
from cloudhands.common.appliance import commands
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.catalogue.commands import ItemDefinition
from cloudhands.common.catalogue.tables import CatalogueItem
from cloudhands.common.db import Database, opened
from cloudhands.common.listing.tables import ProviderListing
from cloudhands.common.organisation import commands as organisations
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider import commands as providers
from cloudhands.common.testing.databases import SECRET, put_key
from cloudhands.common.testing.factories import ITEM, Factory

THREADS = 32
LATENCY = 0.005
# Not one that a site package has already.
CLOUD = "measured"
LIMIT = 100_000
LAUNCH_SECONDS = 600
LATER = timedelta(days=1)
IN_ONE_GO = 100
POLL = 0.02
# Whatever is listed seldom has been listed when the next time is later than that.
SOON = timedelta(seconds=20)
LISTED_SOON = select(func.count()).where(ProviderListing.due_at <= bindparam("soon"))
TOLD = "told.txt"


@dataclass
class World:
    """A site, and the workers on it.

    :param told: the file where the cloud writes when it was first called for a server.
    """

    database: Database
    processes: Bursts
    organisation_id: int
    owner_id: int
    item_id: int
    told: Path

    def workers(self, number: int) -> None:
        """Have so many workers, all of them at work."""
        alive = self.processes.alive
        while len(alive) > number:
            alive.pop().stop()
        while len(alive) < number:
            self.processes.start()
        for each in alive:
            each.wait_until_ready()

    def rate(self, launches: int) -> float:
        """How many launches a second come to run, from the moment at which all are due."""
        for first in range(0, launches, IN_ONE_GO):
            self._ask(min(IN_ONE_GO, launches - first))
        started = time.perf_counter()
        with self.database.writing() as session:
            work.wake_all(session, Appliance, clock.now(), Appliance.state == "requested")
        while self._due():
            if time.perf_counter() > started + LAUNCH_SECONDS:
                raise RuntimeError(f"{launches} launches took more than {LAUNCH_SECONDS} s")
            time.sleep(POLL)
        return launches / (time.perf_counter() - started)

    def starts(self, number: int, pause: float) -> Sequence[float]:
        """How long after its commit the cloud is asked for each of some launches, in seconds.

        :param pause: between two of them, in seconds: whoever works has nothing to do then.
        """
        asked: dict[UUID, float] = {}
        for _ in range(number):
            with self.database.writing() as session:
                made = self._launch(session)
                session.flush()
                uuid = made.uuid
            asked[uuid] = time.time()
            time.sleep(pause)
        while self._due():
            time.sleep(POLL)
        lines = (line.split() for line in self.told.read_text().splitlines())
        called = {UUID(uuid): float(at) for uuid, at in lines}
        return [called[uuid] - at for uuid, at in asked.items()]

    def settle(self) -> None:
        """Wait until nothing of any kind is due, as after the first listing of what is at rest."""
        with self.database.reading() as session:
            while session.scalar(LISTED_SOON, {"soon": clock.now() + SOON}):
                time.sleep(POLL)
                session.rollback()

    def cpu(self, seconds: float) -> float:
        """The share of a core that the workers take, by looking for so many seconds."""
        before = self._ticks()
        time.sleep(seconds)
        return (self._ticks() - before) / 100 / seconds

    def _ticks(self) -> int:
        stats = [Path(f"/proc/{one.pid}/stat").read_text() for one in self.processes.alive]
        return sum(sum(map(int, stat.rsplit(") ", 1)[1].split()[11:13])) for stat in stats)

    def _ask(self, number: int) -> None:
        """Ask for so many, none of which is due yet."""
        with self.database.writing() as session:
            for _ in range(number):
                self._launch(session).due_at = clock.now() + LATER

    def _launch(self, session: Session) -> Appliance:
        organisation = session.get_one(Organisation, self.organisation_id)
        owner = session.get_one(User, self.owner_id)
        item = session.get_one(CatalogueItem, self.item_id)
        wanted = commands.Launch(label="measured", size="small")
        return commands.launch(session, owner, organisation, item, wanted, clock.now())

    def _due(self) -> int:
        with self.database.reading() as session:
            query = select(func.count()).where(Appliance.due_at.is_not(None))
            return session.scalar(query) or 0


@contextmanager
def world(folder: Path, url: str) -> Iterator[World]:
    """A site on a database that has every table, for as long as the block runs; no workers yet."""
    folder.mkdir(exist_ok=True)
    put_key(folder / "server.key")
    file = folder / "cloudhands.toml"
    file.write_text(_settings(folder, url))
    known = settings.load(file=file)
    with opened(url, SECRET) as database, bursts(file, folder) as processes:
        with database.writing() as session:
            make = Factory(session, clock.now())
            wanted = organisations.NewOrganisation(
                name="measured", title="Measured", appliances_limit=LIMIT
            )
            ours = {CLOUD: known.providers[CLOUD]}
            made = organisations.create(session, make.operator, wanted, make.now)
            providers.subscribe(session, make.operator, made, ours, "auto", make.now)
            ids = made.id, make.member(made, "measured").id, make.item(_item()).id
        yield World(database, processes, *ids, folder / TOLD)


def _item() -> ItemDefinition:
    definition = ITEM.model_dump()
    small = definition["sizes"]["small"] | {"on": {CLOUD: "small"}}
    return ItemDefinition.model_validate(
        definition | {"images": {CLOUD: "debian-12"}, "sizes": {"small": small}}
    )


def _settings(folder: Path, url: str) -> str:
    tables = {
        "database": {"url": url},
        "burst": {"concurrency": THREADS, "claim": 60},
        f"providers.{CLOUD}": {
            "kind": KIND,
            "label": "A cloud",
            "calls_at_once": 256,
            "calls_per_second": 10_000,
            # Each worker has a cloud of its own, and would miss there what another has made.
            "listing": 86_400,
            "settle": 3600,
        },
        f"providers.{CLOUD}.options": {"latency": LATENCY, "told": str(folder / TOLD)},
    }
    written = [f"state = {json.dumps(str(folder))}"]
    for name, table in tables.items():
        written += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(written) + "\n"
