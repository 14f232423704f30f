#!/usr/bin/env python
"""How the product's operations slow down as the database grows, on SQLite and on PostgreSQL.

A small and a large database are asked in the same rounds: each figure is how many times longer
something takes in the large one, with as much of a history in both answers. Both are as durable as
in production, and in memory: before each round the kernel is asked to hold their files, since it
would be the disk that is measured otherwise. What people and cloud-burst do most is measured:
reading one appliance, listing an organisation's 50, recording a transition, claiming the next due
appliance.

The large world takes minutes to fill, and some gigabytes in the folder for temporary files (TMPDIR)
and, for PostgreSQL, in /tmp.

Exit status: 0 measured; 1 a target is missed, with --check; 2 something could not be measured.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from harness import report
from harness.report import Goal
from harness.rounds import Plan
from schema_measures import KINDS, Extent, measure
from schema_world import IN_ORGANISATION, Size

SMALL = Size(appliances=1_000, touches=5)
LARGE = Size(appliances=100_000, touches=50)
ROUNDS = 41
SECONDS = 0.25
QUICK_DIVISOR, QUICK_ROUNDS = 10, 7


def goals(extent: Extent) -> Sequence[Goal]:
    """What the figures shall be, and what each of them is at this extent."""
    sizes = ", to ".join(
        f"{size.appliances:,} appliances with {size.touches:,} touches each"
        for size in (extent.large, extent.small)
    )
    return (
        Goal("read_ratio", f"time to read one appliance; {sizes}", at_most=1.3),
        Goal("list_ratio", f"to list an organisation's {IN_ORGANISATION}", at_most=1.3),
        Goal("transition_ratio", "to record a transition, there and back", at_most=1.3),
        Goal("claim_ratio", "to claim the next due appliance", at_most=1.3),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """The command's entry point."""
    options = _parser().parse_args(argv)
    if busy := report.busy():
        print(busy, file=sys.stderr)
    extent = _extent(options)
    aims = goals(extent)
    found = {}
    for kind in KINDS:
        with TemporaryDirectory(prefix="cloudhands-bench-") as folder:
            found[kind] = measure(kind, Path(folder), extent)
        if not options.json:
            print(f"{kind}\n{report.table(aims, found[kind])}", flush=True)
    if options.json:
        print(json.dumps({kind: report.values(aims, one) for kind, one in found.items()}))
    missing = [f"{kind}: {line}" for kind in found for line in report.unmeasured(aims, found[kind])]
    if missing:
        print("\n".join(missing), file=sys.stderr)
        return 2
    met = all(report.all_met(aims, figures) for figures in found.values())
    return 1 if options.check and not met else 0


def _parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    arguments.add_argument(
        "--quick", action="store_true", help="a tenth of the appliances, and fewer rounds"
    )
    arguments.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    arguments.add_argument(
        "--appliances",
        type=int,
        default=LARGE.appliances,
        metavar="N",
        help=f"in the large world (%(default)s), a multiple of {IN_ORGANISATION}",
    )
    arguments.add_argument(
        "--touches",
        type=int,
        default=LARGE.touches,
        metavar="N",
        help="of each appliance in the large world (%(default)s)",
    )
    arguments.add_argument(
        "--seconds",
        type=float,
        default=SECONDS,
        metavar="S",
        help="of each operation in each round (%(default)s)",
    )
    return arguments


def _extent(options: argparse.Namespace) -> Extent:
    divisor, rounds = (QUICK_DIVISOR, QUICK_ROUNDS) if options.quick else (1, ROUNDS)
    return Extent(
        plan=Plan(rounds, options.seconds),
        small=Size(_whole(SMALL.appliances // divisor), SMALL.touches),
        large=Size(_whole(options.appliances // divisor), options.touches),
    )


def _whole(appliances: int) -> int:
    """So many that every organisation has all of its appliances."""
    return max(1, appliances // IN_ORGANISATION) * IN_ORGANISATION


if __name__ == "__main__":
    sys.exit(main())
