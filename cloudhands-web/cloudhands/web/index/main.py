"""`cloud-index`: keeps the search index of the people in the directory, and asks it.

It needs only the directory, no database. While the directory is down the last good index stays and
the next attempt comes after a growing wait.
"""

import argparse
import json
import threading
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from cloudhands.common import service, settings
from cloudhands.common.errors import SettingsError
from cloudhands.web.index import engine, keeping, report, status
from cloudhands.web.index.people import CANDIDATES, LIMIT, People
from cloudhands.web.index.request import Confirmation, Rebuild

NO_MATCH = 1
NOT_WELL = 1

EPILOG = f"""\
exit status:
  0  done; of --query: somebody matches; of --status: the directory is followed
  1  --query: nobody matches; --status: the directory is not followed, or nobody read yet;
     --once and --rebuild: stopped before the end
  2  the arguments or settings are wrong, the index cannot be written, or another
     cloud-index writes it (which --rebuild and --confirm-deletions ask to do it)
  3  the directory or the index is not available, or so many people are gone from the
     directory that somebody has to confirm it

Stopped in any way, the index is as the last commit left it. A page shows {LIMIT} matches.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns the exit status."""
    return service.run(arguments(), _run, argv)


def arguments() -> argparse.ArgumentParser:
    """What the command takes, also for the manual."""
    parser = service.parser(
        "cloud-index",
        "cloudhands-web",
        "Keeps a search index of the people in the LDAP directory. Runs until SIGTERM.",
    )
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--interval",
        type=_seconds,
        metavar="SECONDS",
        help="from one look at the directory to the next, where it does not tell changes by itself "
        "(the setting index.interval)",
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--once", action="store_true", help="sync once and exit")
    instead.add_argument(
        "--rebuild",
        action="store_true",
        help="read everybody anew, make another index of them, switch to it and exit; where a "
        "cloud-index runs, ask that one and exit at once",
    )
    instead.add_argument(
        "--status", action="store_true", help="print how the index stands, and what to do next"
    )
    instead.add_argument("--query", metavar="TEXT", help="print who matches, best first")
    parser.add_argument(
        "--confirm-deletions",
        action="store_true",
        help="believe that many people are gone from the directory: with --once or --rebuild in "
        "that sync, alone in the next one of the cloud-index that runs, within an hour",
    )
    parser.add_argument(
        "--limit",
        type=_number,
        default=CANDIDATES,
        metavar="N",
        help=f"of --query: how many at most, up to {CANDIDATES}",
    )
    parser.add_argument("--json", action="store_true", help="of --query and --status: as JSON")
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < threading.TIMEOUT_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= CANDIDATES):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {CANDIDATES}")
    return int(text)


def _run(options: argparse.Namespace) -> int:
    configured = service.read_settings(options)
    folder = configured.path(configured.index.folder)
    if options.query is not None:
        return _print_matches(folder, options)
    if options.status:
        return _print_status(folder, as_json=options.json)
    once = options.once or options.rebuild
    asked = options.rebuild and _is_followed(folder)
    if options.confirm_deletions and (asked or not once):
        _confirm(folder)
    if asked:
        return _ask_to_rebuild(folder)
    if options.confirm_deletions and not once:
        return 0
    keeping.keep(
        configured,
        _source(configured),
        keeping.Wanted(
            once=once,
            anew=options.rebuild,
            confirmed=options.confirm_deletions,
            interval=options.interval or configured.index.interval,
        ),
    )
    if once:
        _print_what_next(folder)
    return 0


def _source(configured: settings.Settings) -> settings.Directory:
    if configured.directory is None:
        raise SettingsError("directory: is required by cloud-index: set it in the settings file")
    return configured.directory


def _print_matches(folder: Path, options: argparse.Namespace) -> int:
    found = People(folder).search(options.query, limit=options.limit)
    if options.json:
        print(json.dumps([asdict(person) for person in found], ensure_ascii=False, indent=2))
    else:
        for person in found:
            print(person.uid, person.name, person.mail, sep="\t")
    return 0 if found else NO_MATCH


def _print_status(folder: Path, *, as_json: bool) -> int:
    made = report.make(folder, datetime.now(UTC))
    if as_json:
        print(json.dumps(report.as_json(made), ensure_ascii=False, indent=2))
    else:
        print(*report.lines(made), sep="\n")
    return 0 if made.is_well else NOT_WELL


def _confirm(folder: Path) -> None:
    Confirmation(folder).leave()
    if status.is_running(folder):
        print("confirmed: the running cloud-index believes it at its next look at the directory")
    else:
        print("confirmed for an hour; next: start cloud-index, which nobody has")


def _is_followed(folder: Path) -> bool:
    said = status.read(folder)
    return status.is_running(folder) and said is not None and said.follows


def _ask_to_rebuild(folder: Path) -> int:
    Rebuild(folder).leave()
    print("asked: the running cloud-index reads everybody anew, and switches to them at the end")
    print("next: cloud-index --status tells how far it is")
    return 0


def _print_what_next(folder: Path) -> None:
    snapshot = engine.Reader(folder).snapshot()
    position = snapshot.position
    print(f"{snapshot.people:,} people of {position.server} are in the index ({position.protocol})")
    print("next: cloud-index keeps it up to date; cloud-index --query TEXT asks it")


if __name__ == "__main__":
    raise SystemExit(main())
