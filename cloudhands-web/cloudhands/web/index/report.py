"""How the index stands, for `cloud-index --status`: whoever may read it may ask.

The index tells how many people it has and how old it is; its lock whether somebody keeps it; the
status of that process the rest, and whether it runs on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cloudhands.common.errors import IndexUnavailable
from cloudhands.web.index import engine, progress, status
from cloudhands.web.index.status import Status
from cloudhands.web.index.sync.choose import PERSIST

FOLLOWING, READING, RETRYING = "following", "reading", "retrying"
SYNCING, STOPPED, DIED, NEVER = "syncing once", "not running", "died", "never run"
SILENT = "not responding"
# Who has shown no sign of life for so long is stopped, or hangs.
SILENT_SECONDS = 30.0


def lag(found: Status, age: float) -> float:
    """Seconds that the index may be behind the directory, if it is of an age.

    Nothing while the directory tells every change as it comes, and has told those before.
    """
    told = found.protocol == PERSIST and found.server and not found.in_trouble
    has_caught_up = found.since and found.synced and found.synced >= found.since
    return 0.0 if told and has_caught_up else age


@dataclass(frozen=True)
class Report:
    """How it stands.

    :param state: of the process that keeps the index: one of the words above.
    :param people: how many are found; None if there is no index that can be read.
    :param age: seconds since they were known to be those of the directory.
    :param lag: seconds that the index may be behind it.
    :param position: how far the directory has been read.
    :param why: why there is no index.
    :param status: what the process said last.
    """

    state: str
    people: int | None
    age: float | None
    lag: float | None
    position: engine.Position | None
    why: str
    status: Status | None

    @property
    def is_well(self) -> bool:
        """Whether people are found, and changes of the directory are followed."""
        return self.people is not None and self.state == FOLLOWING


def make(folder: Path, now: datetime) -> Report:
    """How the index stands.

    :param folder: the index's folder of the settings.
    """
    # First whether it runs: what it says then is its own.
    running, heard = status.is_running(folder), status.heard(folder)
    said = status.read(folder)
    state = _state(said, running=running)
    if said and running and heard and abs((now - heard).total_seconds()) > SILENT_SECONDS:
        state = SILENT
    try:
        snapshot = engine.Reader(folder).snapshot()
    except IndexUnavailable as error:
        return Report(state, None, None, None, None, str(error), said)
    age = max(0.0, (now - snapshot.synced).total_seconds())
    behind = lag(said, age) if said and state == FOLLOWING else age
    return Report(state, snapshot.people, age, behind, snapshot.position, "", said)


def _state(said: Status | None, *, running: bool) -> str:
    if said is None:
        return SYNCING if running else NEVER
    if not running:
        return STOPPED if said.ended else DIED
    if said.in_trouble:
        return RETRYING
    if said.read is not None:
        return READING
    if not said.follows:
        return SYNCING
    return FOLLOWING if said.synced else READING


def as_json(report: Report) -> Mapping[str, Any]:
    """A report as JSON; times in ISO 8601, spans in seconds."""
    said, position = report.status, report.position
    return {
        "state": report.state,
        "well": report.is_well,
        "protocol": _protocol(report),
        "protocol_reason": said.reason or None if said else None,
        "server": said.server or None if said else None,
        "connected_since": _iso(said.since if said else None),
        "pid": said.pid if said else None,
        "started": _iso(said.started if said else None),
        "people": report.people,
        "synced": _iso(position.synced if position else None),
        "age_seconds": _rounded(report.age),
        "lag_seconds": _rounded(report.lag),
        "last_contact": _iso(said.synced if said else None),
        "last_commit": _iso(said.committed if said else None),
        "last_error": said.error or None if said else None,
        "last_error_at": _iso(said.error_at if said else None),
        "reading": _reading(said),
        "missing": report.why or None,
        "next": _next(report),
    }


def _reading(said: Status | None) -> Mapping[str, Any] | None:
    if said is None or said.read is None:
        return None
    read, expected, seconds = said.read, said.expected, said.reading_seconds
    return {
        "read": read,
        "expected": expected,
        "per_second": round(progress.per_second(read, seconds)),
        "seconds_left": _rounded(progress.left(read, expected, seconds)),
    }


def _protocol(report: Report) -> str | None:
    said = report.status.protocol if report.status else ""
    return said or (report.position.protocol if report.position else None)


def lines(report: Report) -> Iterator[str]:
    """A report for people; the last line says what to do next."""
    said = report.status
    yield f"cloud-index  {report.state}{_process(report)}"
    connection = f", connected to {said.server} since {said.since}" if said and said.server else ""
    yield f"protocol     {_protocol(report) or 'none yet'}{connection}"
    if said and said.reason:
        yield f"             changes are not told as they come: {said.reason}"
    if report.people is None or report.age is None or report.lag is None:
        yield f"people       none: {report.why}"
    else:
        yield f"people       {report.people:,}"
        yield f"age          {progress.clock(report.age)}"
        yield f"lag          {progress.clock(report.lag)}"
    if said and said.read is not None:
        yield f"reading      {progress.sentence(said.read, said.expected, said.reading_seconds)}"
    trouble = f"{said.error_at}: {said.error}" if said and said.error else "none"
    yield f"last error   {trouble}"
    yield f"next         {_next(report)}"


def _process(report: Report) -> str:
    said = report.status
    if said is None:
        return ""
    if report.state == STOPPED:
        return f" since {said.ended}"
    if report.state == DIED:
        return f": process {said.pid}, started {said.started}, ended without a word"
    return f" (process {said.pid}, started {said.started})"


def _next(report: Report) -> str:
    said = report.status
    if report.state in (NEVER, STOPPED, DIED):
        return "start cloud-index: nobody follows the directory"
    if report.state == SILENT and said:
        return (
            f"look at process {said.pid}: one that was stopped goes on by kill -CONT {said.pid}; "
            f"else kill -KILL {said.pid} and start cloud-index: what was committed stays"
        )
    if report.state == RETRYING and said and "--confirm-deletions" in said.error:
        return "look whether they are really gone; then run cloud-index --confirm-deletions"
    if report.state == RETRYING:
        return "mend what the last error names; it is tried again by itself"
    if report.state in (READING, SYNCING):
        return "wait until it has read everybody"
    return "nothing; cloud-index --query TEXT asks the index"


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
