"""The site that chaos comes over: an organisation, simulated clouds and EC2, a real database."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudhands.burst.providers.simulated import faults_file
from cloudhands.burst.providers.simulated.faults import Faults
from cloudhands.common import clock, settings
from cloudhands.common.catalogue.commands import ItemDefinition
from cloudhands.common.db import Database
from cloudhands.common.organisation import commands as organisations
from cloudhands.common.provider import commands as providers
from cloudhands.common.testing import ec2
from cloudhands.common.testing.databases import put_key, short_lived
from cloudhands.common.testing.ec2 import Ec2
from cloudhands.common.testing.factories import ITEM, Factory

SIMULATED = ("private", "public")
AMAZON = "amazon"
# How long a cloud takes for what it is asked for, in seconds.
TIMES = ("boot_seconds", "stop_seconds", "reboot_seconds", "resize_seconds", "delete_seconds")
TAKES = 0.2
SETTLE = 3.0
LISTING = 3.0
# As long as by default where EC2 is: its calls may take almost half of it.
CLAIM, CLAIM_WITH_EC2 = 5.0, 15.0


@dataclass(frozen=True)
class Extent:
    """How much there is.

    :param appliances: how many are launched.
    :param kills: how often a worker is killed, at the least.
    :param freezes: how often one is frozen for longer than its claim, on PostgreSQL.
    :param amazon: whether some of the appliances come to EC2.
    """

    appliances: int
    kills: int
    freezes: int
    amazon: bool

    @property
    def claim(self) -> float:
        """How long a claim lasts, in seconds."""
        return CLAIM_WITH_EC2 if self.amazon else CLAIM


@dataclass(frozen=True)
class World:
    """A site that `cloud-burst` can be started on.

    :param items: ids of the catalogue's rows.
    :param ec2: EC2's API, where it is one of the clouds.
    """

    folder: Path
    database: Database
    settings: settings.Settings
    settings_file: Path
    organisation_id: int
    owner_id: int
    items: tuple[int, ...]
    ec2: Ec2 | None

    def break_(self, name: str, faults: Faults | None) -> None:
        """Have faults at a simulated cloud from now on, or none."""
        file = faults_file.beside(self.folder / f"{name}.db")
        if faults is None:
            faults_file.remove(file)
        else:
            faults_file.write(file, faults)


@contextmanager
def world(folder: Path, url: str, extent: Extent) -> Iterator[World]:
    """A new site on an upgraded database, for as long as the block runs."""
    with ExitStack() as closing:
        server = closing.enter_context(ec2.ec2()) if extent.amazon else None
        put_key(folder / "server.key")
        file = folder / "cloudhands.toml"
        file.write_text(_settings(folder, url, extent, server))
        known = settings.load(file=file)
        database = closing.enter_context(short_lived(url))
        organisation_id, owner_id, items = _people(database, known, extent)
        yield World(folder, database, known, file, organisation_id, owner_id, tuple(items), server)


def _people(
    database: Database, known: settings.Settings, extent: Extent
) -> tuple[int, int, list[int]]:
    with database.writing() as session:
        make = Factory(session, clock.now())
        wanted = organisations.NewOrganisation(
            name="chaos", title="Chaos", appliances_limit=extent.appliances
        )
        made = organisations.create(session, make.operator, wanted, make.now)
        providers.subscribe(session, make.operator, made, known.providers, "auto", make.now)
        owner = make.member(made)
        items = [make.item(definition) for definition in _items(known.providers)]
        return made.id, owner.id, [item.id for item in items]


def _items(names: Mapping[str, Any]) -> list[ItemDefinition]:
    """One that is reached from outside and one that is not, in two sizes each."""

    def on(size: str, at_ec2: str) -> Mapping[str, str]:
        return {name: at_ec2 if name == AMAZON else size for name in names}

    definition = ITEM.model_dump()
    small = definition["sizes"]["small"]
    sizes = {
        "small": small | {"on": on("m1.small", ec2.SIZE)},
        "large": small | {"vcpus": 2, "memory_mb": 4096, "on": on("m1.large", ec2.OTHER_SIZE)},
    }
    common = definition | {"images": on("debian-12", ec2.IMAGE), "sizes": sizes}
    return [
        ItemDefinition.model_validate(
            common | {"name": f"item-{number}", "external_address": bool(number)}
        )
        for number in range(2)
    ]


def _settings(folder: Path, url: str, extent: Extent, server: Ec2 | None) -> str:
    tables: dict[str, Mapping[str, Any]] = {
        "database": {"url": url},
        "burst": {"concurrency": 16, "claim": extent.claim, "full_memory": 1},
    }
    room = max(2, extent.appliances // (3 if server else 2))
    for number, name in enumerate(SIMULATED):
        last = name == SIMULATED[-1] and server is None
        tables |= _provider(name, "simulated", number)
        tables[f"providers.{name}.options"] = {
            "file": f"{name}.db",
            "capacity": extent.appliances if last else room,
            "images": ["debian-12"],
            "sizes": ["m1.small", "m1.large"],
            "latency_seconds": 0.005,
            "network": f"10.{number}.0.0/20",
            "external_network": f"10.{number + 100}.0.0/20",
            **dict.fromkeys(TIMES, TAKES),
        }
    if server is not None:
        tables |= _provider(AMAZON, "ec2", len(SIMULATED))
        tables[f"providers.{AMAZON}.options"] = server.options(folder, limit=7, timeout=2.5)
    written = [f"state = {json.dumps(str(folder))}"]
    for name, table in tables.items():
        written += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(written) + "\n"


def _provider(name: str, kind: str, number: int) -> dict[str, Mapping[str, Any]]:
    told = {
        "kind": kind,
        "label": f"The {name} cloud",
        "public": number > 0,
        "priority": 10 * (number + 1),
        "settle": SETTLE,
        "listing": LISTING,
        "calls_at_once": 16,
        "calls_per_second": 1000,
    }
    return {f"providers.{name}": told}
