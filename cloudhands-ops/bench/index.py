#!/usr/bin/env python
"""The search index of people beside its peers: reading a directory, seeing its changes, searching.

Reading is measured beside OpenLDAP's own `ldapsearch`, which is written in C, and beside ldap3's
`paged_search`; searching beside Whoosh. All of it happens on this machine, with a slapd of its own
and made-up people, the same in every run. What people type is drawn from them by a fixed seed.

It takes some minutes, and a gigabyte in the folder for temporary files (TMPDIR).

Exit status: 0 measured; 1 a target is missed, with --check; 2 something could not be measured.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import index_directory
import index_search
from harness import report
from harness.report import Goal

from cloudhands.common.service import set_up_logging

PEOPLE, QUICK_PEOPLE = 100_000, 10_000
ROUNDS, QUICK_ROUNDS = 5, 3
LARGER = 10
EACH = 100


def goals(people: int) -> Sequence[Goal]:
    """What the figures shall be, and what each of them is for so many people."""
    return (
        Goal(
            "read_of_ldapsearch",
            f"entries a second of {people:,}, as a share of ldapsearch's",
            at_least=0.55,
        ),
        Goal("read_of_ldap3", "the same beside ldap3's paged_search", at_least=6),
        Goal(
            "change_visible_ms",
            f"ten changes, one a deletion, among {people:,} are found by a search",
            at_most=300,
        ),
        Goal("idle_poll_ms", "a poll of the directory without a change", at_most=10),
        Goal("search_p50_ms", f"a search among {people:,}, the median of all kinds", at_most=2),
        Goal("search_p99_ms", "99 of 100 searches", at_most=8),
        Goal("whoosh_ratio", "Whoosh's time for the same searches, to ours", at_least=10),
        Goal("million_p99_ratio", f"search_p99_ms among {people * LARGER:,}, to it", at_most=3),
        Goal("recall_exact", "whole uids, alone or with a beginning: found", at_least=1),
        Goal("recall_one_typo", "one typo in a name: found among the first 5", at_least=0.95),
        Goal("recall_two_typos", "two typos", at_least=0.8),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """The command's entry point."""
    options = _parser().parse_args(argv)
    set_up_logging("warning")
    if busy := report.busy():
        print(busy, file=sys.stderr)
    people = QUICK_PEOPLE if options.quick else options.people
    rounds = QUICK_ROUNDS if options.quick else options.rounds
    aims = goals(people)
    with _folder() as folder:
        found = dict(index_directory.measure(folder, index_directory.Extent(people, rounds)))
    # Apart from the directory, whose data is a file of some gigabytes with little in it.
    with _folder() as folder:
        extent = index_search.Extent(people, people * LARGER, options.each, rounds)
        found.update(index_search.measure(folder, extent))
    print(report.as_json(aims, found) if options.json else report.table(aims, found))
    if missing := report.unmeasured(aims, found):
        print("\n".join(missing), file=sys.stderr)
        return 2
    return 1 if options.check and not report.all_met(aims, found) else 0


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="cloudhands-bench-") as folder:
        yield Path(folder)


def _parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    arguments.add_argument(
        "--quick", action="store_true", help=f"{QUICK_PEOPLE:,} people, and fewer rounds"
    )
    arguments.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    arguments.add_argument(
        "--people",
        type=int,
        default=PEOPLE,
        metavar="N",
        help=f"how many (%(default)s); the larger index has {LARGER} times as many",
    )
    arguments.add_argument(
        "--each", type=int, default=EACH, metavar="N", help="queries of each kind (%(default)s)"
    )
    arguments.add_argument(
        "--rounds", type=int, default=ROUNDS, metavar="N", help="how many (%(default)s)"
    )
    return arguments


if __name__ == "__main__":
    sys.exit(main())
