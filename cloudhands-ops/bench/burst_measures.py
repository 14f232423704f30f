"""Measures cloud-burst: launches a second beside the ceiling's, and what it costs to be idle."""

import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from burst_ceiling import Ceiling, on_postgresql, on_sqlite
from burst_cloud import PLUGIN
from burst_world import LATENCY, THREADS, World, world
from harness.report import Figure, Figures
from schema_world import IN_ORGANISATION, Size
from schema_world import world as filled

from cloudhands.common import schema
from cloudhands.common.testing.databases import short_lived
from cloudhands.common.testing.postgresql import PostgreSQL, postgresql

KINDS = ("sqlite", "postgresql")
CALLS = 3
# The ceiling and up to three workers have one for each thread.
CONNECTIONS = "max_connections=200"


@dataclass(frozen=True)
class Extent:
    """How much is measured.

    :param rounds: how often each rate is measured.
    :param launches: of each rate.
    :param warm: launches before, which prepare what the others use.
    :param rest: how many appliances are at rest where that is compared.
    :param starts: how many launches are timed.
    :param idle: how long an idle worker is watched, in seconds.
    """

    rounds: int
    launches: int
    warm: int
    rest: int
    starts: int
    idle: float


@dataclass(frozen=True)
class Place:
    """One database's ceiling and sites; `full` has others at rest."""

    ceiling: Ceiling
    empty: World
    full: World


Ratios = dict[str, list[float]]


def measure(folder: Path, extent: Extent) -> Figures:
    """All figures."""
    plug_in(folder)
    found: Ratios = {}
    starts: list[float] = []
    cpu: list[float] = []
    notes: list[str] = []
    with postgresql(CONNECTIONS, fast=False) as server:
        for kind in KINDS:
            with _place(kind, folder, server, extent) as place:
                cpu.append(_idle(place.full, extent))
                starts += place.full.starts(extent.starts, 0.05)
                _rounds(kind, place, extent, found, notes)
    print(*notes, sep="\n", file=sys.stderr)
    return _figures(found, starts, cpu)


def plug_in(folder: Path) -> None:
    """Have the bench's cloud found like a third party's that is installed."""
    home = folder / "plugins" / "cloudhands_bench-1.dist-info"
    home.mkdir(parents=True)
    (home / "METADATA").write_text("Metadata-Version: 2.1\nName: cloudhands-bench\nVersion: 1\n")
    (home / "entry_points.txt").write_text(PLUGIN)
    sys.path.append(str(home.parent))


@contextmanager
def _place(kind: str, folder: Path, server: PostgreSQL, extent: Extent) -> Iterator[Place]:
    with ExitStack() as stack:
        if kind == "sqlite":
            urls = [f"sqlite:///{folder / name}.db" for name in ("empty", "full")]
            for url in urls:
                with short_lived(url) as database:
                    schema.upgrade(database)
            write = stack.enter_context(on_sqlite(folder))
        else:
            urls = [stack.enter_context(server.upgraded()) for _ in range(2)]
            write = stack.enter_context(on_postgresql(server.conninfo(server.create())))
        size = Size(max(1, extent.rest // IN_ORGANISATION) * IN_ORGANISATION, touches=1)
        with filled(urls[1], size):
            pass  # it is filled, and closed again
        empty, full = (
            stack.enter_context(world(folder / f"{kind}-{name}", url))
            for name, url in zip(("empty", "full"), urls, strict=True)
        )
        for each in (empty, full):
            each.workers(1)
            each.rate(extent.warm)
        ceiling = Ceiling(write, THREADS, LATENCY, CALLS)
        ceiling.rate(extent.warm)
        yield Place(ceiling, empty, full)


def _idle(full: World, extent: Extent) -> float:
    full.settle()
    return 100 * full.cpu(extent.idle)


def _rounds(kind: str, place: Place, extent: Extent, found: Ratios, notes: list[str]) -> None:
    number = extent.launches
    for _ in range(extent.rounds):
        place.empty.workers(1)
        ceiling, one = place.ceiling.rate(number), place.empty.rate(number)
        full, again = place.full.rate(number), place.empty.rate(number)
        found.setdefault(f"{kind}_of_ceiling", []).append(one / ceiling)
        found.setdefault("rest_ratio", []).append(full / statistics.mean((one, again)))
        told = f"{kind}: ceiling {ceiling:.0f}/s, one worker {one:.0f}/s, with rest {full:.0f}/s"
        if kind == "postgresql":
            place.empty.workers(2)
            two = place.empty.rate(number)
            found.setdefault("two_workers_ratio", []).append(two / again)
            told += f", two workers {two:.0f}/s"
        notes.append(told)


def _figures(found: Ratios, starts: Sequence[float], cpu: Sequence[float]) -> Figures:
    figures: dict[str, Figure] = {key: _median(values) for key, values in found.items()}
    figures["idle_cpu_percent"] = Figure(max(cpu), "The larger of both databases.")
    late = sorted(starts)
    p99 = late[min(len(late) - 1, int(len(late) * 0.99))]
    note = f"Median {1000 * statistics.median(late):.1f} ms of {len(late)}."
    figures["start_p99_ms"] = Figure(1000 * p99, note)
    return figures


def _median(values: Sequence[float]) -> Figure:
    note = f"Rounds from {min(values):.2f} to {max(values):.2f}."
    return Figure(statistics.median(values), note)
