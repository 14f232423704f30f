"""`cloud-index`: keeps the search index of the people in the directory, and asks it.

It needs only the directory, no database. While the directory is down the last good index stays and
the next attempt comes after a growing wait.
"""

import argparse
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import structlog

from cloudhands.common import service, settings
from cloudhands.common.errors import DirectoryError, IndexUnavailable, SettingsError
from cloudhands.web.index import background, engine, sync
from cloudhands.web.index.people import CANDIDATES, People

FIRST_RETRY = 1.0
LONGEST_RETRY = 60.0
NO_MATCH = 1

log = structlog.get_logger(__name__)


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
    with engine.writer(folder) as writer:
        if options.once:
            _sync(writer, source, configured.state, threading.Event())
        else:
            interval = options.interval or configured.index.interval
            _follow(writer, source, configured.state, interval)
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


def _follow(
    writer: engine.Writer, source: settings.Directory, state: Path, interval: float
) -> None:
    stopping = service.stop_on_signals()
    failures = 0
    while not stopping.is_set():
        wait = interval
        try:
            _sync(writer, source, state, stopping)
            failures = 0
        except background.Stopped:
            break
        except (DirectoryError, IndexUnavailable) as error:
            wait = min(interval, retry_after(failures))
            failures += 1
            log.warning("not synced; the last good index stays", reason=str(error), retry_in=wait)
        stopping.wait(wait)
    log.info("stopped")


def retry_after(failures: int) -> float:
    """Seconds to wait after a failure that followed so many others."""
    return min(LONGEST_RETRY, FIRST_RETRY * 2.0 ** min(failures, 16))


def _sync(
    writer: engine.Writer, source: settings.Directory, state: Path, stopping: threading.Event
) -> None:
    started = time.monotonic()
    entries = background.wait_for(lambda: sync.read(source, state), stopping)
    sync.replace(writer, entries, datetime.now(UTC))
    log.info("synced", people=len(entries), seconds=round(time.monotonic() - started, 3))


if __name__ == "__main__":
    raise SystemExit(main())
