#!/usr/bin/env python
"""Whether what the database shall forbid can be broken: eight attempts at once, round after round.

The long form of `cloudhands-common/tests/test_races.py`, on PostgreSQL and, with a quarter of the
rounds, on SQLite, where writers take turns. On PostgreSQL every race is also run without its guard
until it breaks: a race that does not break even then proves nothing.

Exit status: 0 nothing was broken; 1 something was, an attempt ended in an error that is no refusal,
or a race without its guard proved nothing.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cloudhands.common import schema
from cloudhands.common.testing.databases import short_lived
from cloudhands.common.testing.postgresql import PostgreSQL, postgresql
from cloudhands.common.testing.races.racing import Race, Result, Track, track
from cloudhands.common.testing.races.table import RACES

ROUNDS = 200
QUICK_ROUNDS = 1
SQLITE_SHARE = 4
UNGUARDED_ROUNDS = 200
# Findings of one race in the table, by their first lines; the file of --json has all of them.
SHOWN = 3

Races = Mapping[str, Race[Any]]


def main(argv: Sequence[str] | None = None) -> int:
    """The command's entry point."""
    options = _parser().parse_args(argv)
    rounds = QUICK_ROUNDS if options.quick else options.rounds
    races = {name: RACES[name] for name in options.race or RACES}
    with TemporaryDirectory(prefix="cloudhands-bench-") as folder, postgresql() as server:
        found = {
            "postgresql": _on_postgresql(server, races, rounds),
            "sqlite": _on_sqlite(Path(folder), races, max(1, rounds // SQLITE_SHARE)),
        }
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    broken = [finding for kind in found.values() for finding in kind["findings"]]
    print("nothing was broken" if not broken else f"{len(broken)} findings")
    return 1 if broken else 0


def _parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument(
        "--rounds",
        type=_count,
        default=ROUNDS,
        metavar="N",
        help=f"of each race (default {ROUNDS})",
    )
    arguments.add_argument("--json", type=Path, metavar="FILE", help="write the results to a file")
    arguments.add_argument(
        "--race", action="append", choices=RACES, metavar="NAME", help="this one only; repeatable"
    )
    arguments.add_argument("--quick", action="store_true", help="a smoke test of a few seconds")
    return arguments


def _count(words: str) -> int:
    number = int(words)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} rounds are none: give 1 or more")
    return number


def _on_postgresql(server: PostgreSQL, races: Races, rounds: int) -> Mapping[str, Any]:
    with server.upgraded() as url, track(url) as course, _spare(server) as spare:
        return _run("postgresql", races, course, rounds, spare)


@contextmanager
def _spare(server: PostgreSQL) -> Iterator[Track]:
    """A track of its own for the races without their guards."""
    with server.upgraded() as url, track(url) as course:
        yield course


def _on_sqlite(folder: Path, races: Races, rounds: int) -> Mapping[str, Any]:
    url = f"sqlite:///{folder / 'cloudhands.db'}"
    with short_lived(url) as database:
        schema.upgrade(database)
    with track(url) as course:
        return _run("sqlite", races, course, rounds, None)


def _run(
    kind: str, races: Races, course: Track, rounds: int, spare: Track | None
) -> Mapping[str, Any]:
    """Run the races one after the other, and print a line for each.

    :param spare: where to run them without their guards; None if that is not to be done.
    """
    told, findings = {}, []
    for name, race in races.items():
        result = course.run(race, rounds)
        words, found = _words(result), list(result.findings)
        told[name] = dict(result.as_json())
        if spare is not None:
            unguarded = spare.run_unguarded(race, UNGUARDED_ROUNDS)
            told[name]["unguarded"] = unguarded.as_json()
            words += f"; without its guard broken in round {unguarded.rounds}"
            if not unguarded.broken:
                found.append(f"{unguarded.rounds} rounds without its guard did not break it either")
        _tell(kind, name, words, found)
        findings += [f"{kind}, {name}: {finding}" for finding in found]
    history = course.findings_in_history()
    _tell(kind, "their history", "" if history else "is whole", history)
    return {"races": told, "findings": [*findings, *history]}


def _words(result: Result) -> str:
    refused = ", ".join(f"{kind} {count:,}" for kind, count in sorted(result.refused.items()))
    return (
        f"{result.rounds:,} rounds, {result.attempts:,} attempts, {result.won:,} won, "
        f"refused: {refused or 'none'}"
    )


def _tell(kind: str, name: str, words: str, found: Sequence[str]) -> None:
    print(f"{'FAIL' if found else 'pass'}  {kind:10}  {name:24}  {words}")
    for finding in found[:SHOWN]:
        print(f"      {finding.splitlines()[0]}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
