"""`cloud-index`: keeps the search index of the people in the directory, and asks it.

It needs only the directory, no database. While the directory is down the last good index stays and
the next attempt comes after a growing wait.
"""

import argparse
import json
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from cloudhands.common import service, settings
from cloudhands.common.errors import SettingsError
from cloudhands.web.index import engine, sync
from cloudhands.web.index.people import CANDIDATES, People

NO_MATCH = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns the exit status."""
    return service.run(_arguments(), _run, argv)


def _arguments() -> argparse.ArgumentParser:
    arguments = service.parser(
        "cloud-index",
        "cloudhands-web",
        "Keeps a search index of the people in the LDAP directory. Runs until SIGTERM.",
    )
    arguments.add_argument(
        "--interval",
        type=_seconds,
        metavar="SECONDS",
        help="from one sync to the next (the setting index.interval)",
    )
    instead = arguments.add_mutually_exclusive_group()
    instead.add_argument("--once", action="store_true", help="sync once and exit")
    instead.add_argument(
        "--query",
        metavar="TEXT",
        help=f"print who matches and exit: 0 with matches, {NO_MATCH} without",
    )
    arguments.add_argument("--json", action="store_true", help="print matches as a JSON list")
    return arguments


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < threading.TIMEOUT_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def _run(options: argparse.Namespace) -> int:
    configured = service.read_settings(options)
    folder = configured.path(configured.index.folder)
    if options.query is not None:
        return _print_matches(folder, options.query, as_json=options.json)
    source = _source(configured)
    share = configured.index.missing_share
    with engine.writer(folder, engine.stamp_of(source)) as writer:
        if options.once:
            sync.once(writer, source, configured.state, missing_share=share)
        else:
            interval = options.interval or configured.index.interval
            stopping = service.stop_on_signals()
            sync.follow(writer, source, configured.state, stopping, interval, missing_share=share)
    return 0


def _source(configured: settings.Settings) -> settings.Directory:
    if configured.directory is None:
        raise SettingsError("directory: is required by cloud-index: set it in the settings file")
    return configured.directory


def _print_matches(folder: Path, text: str, *, as_json: bool) -> int:
    found = People(folder).search(text, limit=CANDIDATES)
    if as_json:
        print(json.dumps([asdict(person) for person in found], ensure_ascii=False, indent=2))
    else:
        for person in found:
            print(person.uid, person.name, person.mail, sep="\t")
    return 0 if found else NO_MATCH


if __name__ == "__main__":
    raise SystemExit(main())
