#!/usr/bin/env python
"""Whether cloud-burst loses, leaks or doubles anything while everything fails and it is killed.

People launch, stop, start, reboot, resize and delete appliances on simulated clouds and on an EC2
API, at which all kinds of faults happen, while `cloud-burst` processes are killed (SIGKILL) again
and again and, on PostgreSQL, one of two is frozen (SIGSTOP) for longer than its claim. Then the
faults end. Every appliance has to come to its goal, or to have failed with a reason; and what is
at the clouds has to be what the database says: servers, addresses, limits, and a whole history.

Exit status: 0 all is as it should be; 1 it is not: each difference is named.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from chaos_course import Course
from chaos_verdict import verdict
from chaos_world import Extent, world
from harness.bursts import bursts

from cloudhands.common import schema
from cloudhands.common.testing.databases import short_lived
from cloudhands.common.testing.postgresql import postgresql

KINDS = ("sqlite", "postgresql")
FULL = Extent(appliances=300, kills=100, freezes=5, amazon=True)
QUICK = Extent(appliances=24, kills=8, freezes=1, amazon=False)
SHOWN = 20


def main(argv: Sequence[str] | None = None) -> int:
    """The command's entry point."""
    options = _parser().parse_args(argv)
    extent = _extent(options)
    seed = Random().randrange(2**31) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    found = {kind: _on(kind, extent, seed, options.keep) for kind in options.on or KINDS}
    if options.json:
        options.json.write_text(json.dumps({"seed": seed, **found}, indent=2) + "\n")
    wrong = [sentence for one in found.values() for sentence in one["differences"]]
    print("none leaked, none double" if not wrong else f"{len(wrong)} differences")
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--seed", type=int, metavar="N", help="of what is left to chance")
    arguments.add_argument("--quick", action="store_true", help="a short form without EC2")
    arguments.add_argument("--appliances", type=_count, metavar="N", help="how many there are")
    arguments.add_argument("--kills", type=_count, metavar="N", help="how often one is killed")
    arguments.add_argument("--ec2", action="store_true", help="with EC2 in the short form too")
    arguments.add_argument("--json", type=Path, metavar="FILE", help="write the results to a file")
    arguments.add_argument(
        "--on", action="append", choices=KINDS, help="this database only; repeatable"
    )
    arguments.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="leave logs and clouds there, to look at"
    )
    return arguments


def _count(words: str) -> int:
    number = int(words)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is too few: give 1 or more")
    return number


def _extent(options: argparse.Namespace) -> Extent:
    base = QUICK if options.quick else FULL
    return replace(
        base,
        appliances=options.appliances or base.appliances,
        kills=options.kills or base.kills,
        amazon=base.amazon or options.ec2,
    )


def _on(kind: str, extent: Extent, seed: int, keep: Path | None) -> Mapping[str, Any]:
    with TemporaryDirectory(prefix="cloudhands-chaos-") as temporary:
        folder = (keep or Path(temporary)) / kind
        folder.mkdir(parents=True)
        if kind == "postgresql":
            with postgresql() as server, server.upgraded() as url:
                return _run(kind, folder, url, extent, seed)
        url = f"sqlite:///{folder / 'cloudhands.db'}"
        with short_lived(url) as database:
            schema.upgrade(database)
        return _run(kind, folder, url, extent, seed)


def _run(kind: str, folder: Path, url: str, extent: Extent, seed: int) -> Mapping[str, Any]:
    with world(folder, url, extent) as place, bursts(place.settings_file, folder) as processes:
        course = Course(place, processes, extent, Random(seed))
        course.run()
        found = verdict(place)
    told = {**course.counts, **found.counts}
    _tell(kind, told, found.differences)
    return {"counts": told, "differences": list(found.differences)}


def _tell(kind: str, counts: Mapping[str, Any], differences: Sequence[str]) -> None:
    words = ", ".join(f"{name} {number}" for name, number in counts.items())
    print(f"{'FAIL' if differences else 'pass'}  {kind:10}  {words}")
    for finding in differences[:SHOWN]:
        print(f"      {finding}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
