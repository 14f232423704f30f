#!/usr/bin/env python
"""How quick cloud-burst is, beside a bare pool of threads with the same calls and durability.

A cloud in memory takes 5 ms for each call, three of which make a launch. The bare pool makes them
in 32 threads and commits a row after each; real `cloud-burst` processes with 32 threads do the
launches. SQLite is synchronous=FULL and PostgreSQL synchronous_commit=on for both. The rounds are
interleaved and the figures are medians of the rounds' ratios.

Exit status: 0 measured; 1 a target is missed, with --check.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from burst_measures import Extent, measure
from harness import report
from harness.report import Goal

FULL = Extent(rounds=3, launches=2_000, warm=64, rest=100_000, starts=200, idle=20)
# Everything happens, nothing is told by the figures.
QUICK = Extent(rounds=1, launches=20, warm=4, rest=100, starts=3, idle=0.5)


def goals(extent: Extent) -> Sequence[Goal]:
    """What the figures shall be, and what each of them is at this extent."""
    launches, rest = f"{extent.launches:,} launches", f"{extent.rest:,} appliances at rest"
    return (
        Goal("sqlite_of_ceiling", f"{launches} a second, to the ceiling's", at_least=0.4),
        Goal("postgresql_of_ceiling", "the same with one worker on PostgreSQL", at_least=0.3),
        Goal("two_workers_ratio", "two workers to one", at_least=1.5),
        Goal("rest_ratio", f"the same rate with {rest}, to without", at_least=0.9),
        Goal("idle_cpu_percent", f"of a core, with {rest}", at_most=2),
        Goal("start_p99_ms", "from a launch's commit to the first call of the cloud", at_most=50),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """The command's entry point."""
    options = _parser().parse_args(argv)
    if busy := report.busy():
        print(busy, file=sys.stderr)
    extent = QUICK if options.quick else FULL
    with TemporaryDirectory(prefix="cloudhands-bench-") as folder:
        figures = measure(Path(folder), extent)
    aims = goals(extent)
    print((report.as_json if options.json else report.table)(aims, figures))
    if options.quick:
        print("So short a run tells nothing by its figures.", file=sys.stderr)
    return 1 if options.check and not report.all_met(aims, figures) else 0


def _parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    arguments.add_argument("--quick", action="store_true", help="a smoke test of a few seconds")
    arguments.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
