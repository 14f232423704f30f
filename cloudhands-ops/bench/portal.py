#!/usr/bin/env python
"""How quick the portal is, beside a bare WSGI application under the same waitress.

Every server runs in a process of its own and is loaded from another one; the rounds are
interleaved and the figures are medians of the rounds' ratios, so that they hold on a busy machine
too, though less precisely: the note beside each tells how far its rounds lay apart.

Exit status: 0 measured; 1 a target is missed, with --check; 2 something could not be measured.
"""

import argparse
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from harness import report
from harness.polling import Schedule
from harness.report import Goal
from harness.rounds import Plan
from portal_measures import PUBLIC_DEPTH, Extent, measure
from portal_world import Size


def goals(extent: Extent) -> Sequence[Goal]:
    """What the figures shall be, and what each of them is at this extent."""
    small, large, polled = extent.small, extent.large, extent.schedule
    history = f"time with {large.touches:,} rows of history each, to {small.touches:,}"
    others = f"time with {large.organisations:,} other organisations, to {small.organisations:,}"
    public = f"the front page through nginx, to direct; {PUBLIC_DEPTH} requests pipelined on each"
    polling = (
        f"{extent.browsers:,} browsers polling one process through nginx, {polled.seconds:g} s"
    )
    return (
        Goal("early_304_of_hello", "an appliance's page, unchanged, to hello", at_least=0.28),
        Goal("page_of_hello", "an organisation's page, 50 appliances, to hello", at_least=0.08),
        Goal("json_of_hello", "the same as HAL, to hello", at_least=0.10),
        Goal("history_ratio", history, at_most=1.1),
        Goal("organisations_ratio", others, at_most=1.1),
        Goal("public_cached_ratio", public, at_least=100),
        Goal("poll_errors", f"{polling}, while nothing changes", at_most=0),
        Goal("poll_p99_ms", "and how long 99 in 100 of their looks take", at_most=50),
    )


FULL = Extent(
    plan=Plan(rounds=7, seconds=2),
    small=Size(touches=10, organisations=10),
    large=Size(touches=10_000, organisations=10_000),
    browsers=1_500,
    schedule=Schedule(period=2, seconds=60),
)

# Everything happens, nothing is told by the figures.
QUICK = Extent(
    plan=Plan(rounds=2, seconds=0.1),
    small=Size(touches=10, organisations=10),
    large=Size(touches=50, organisations=50),
    browsers=20,
    schedule=Schedule(period=0.5, seconds=1),
)


def main(argv: Sequence[str] | None = None) -> int:
    """The command's entry point."""
    options = _parser().parse_args(argv)
    _allow_open_files()
    if busy := report.busy():
        print(busy, file=sys.stderr)
    extent = QUICK if options.quick else FULL
    with TemporaryDirectory(prefix="cloudhands-bench-") as folder:
        figures = measure(Path(folder), extent)
    aims = goals(extent)
    print((report.as_json if options.json else report.table)(aims, figures))
    if options.quick:
        print("So short a run tells nothing by its figures.", file=sys.stderr)
    missing = report.unmeasured(aims, figures)
    if missing:
        print("\n".join(missing), file=sys.stderr)
        return 2
    return 1 if options.check and not report.all_met(aims, figures) else 0


def _parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    arguments.add_argument("--quick", action="store_true", help="a smoke test of a few seconds")
    arguments.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    return arguments


def _allow_open_files() -> None:
    # A connection for each browser, at both ends; the servers inherit the limit.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())
