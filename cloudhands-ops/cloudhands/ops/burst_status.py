"""What an operator sees of cloud-burst at a glance, as JSON and as lines."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from cloudhands.common import observing, schema, work
from cloudhands.common.listing import queries as listings
from cloudhands.common.provider import queries
from cloudhands.common.settings import Settings
from cloudhands.common.worker.queries import is_stale, workers

Found = Mapping[str, Any]


def read(session: Session, settings: Settings, now: datetime) -> Found:
    """Workers, what is due by kind, providers, and whether it only observes; times in seconds."""
    return {
        "observing": observing.is_on(session),
        "workers": [
            {
                "host": worker.host,
                "pid": worker.pid,
                "started": worker.started_at.isoformat(),
                "seen_seconds_ago": _ago(worker.seen_at, now),
                "stale": is_stale(worker, now),
                "in_hand": worker.in_hand,
            }
            for worker in workers(session)
        ],
        "due": {model.kind: _due(session, model, now) for model in schema.due()},
        "providers": _providers(session, settings),
        "listings": _listings(session, now),
    }


def _listings(session: Session, now: datetime) -> Found:
    return {
        name: {"seconds_ago": _ago(row.read_at, now), **row.found}
        for name, row in sorted(listings.by_provider(session).items())
        if row.read_at is not None
    }


def _due(session: Session, model: type[work.Due], now: datetime) -> Found:
    number, oldest = work.backlog(session, model, now)
    return {"number": number, "oldest_seconds": _ago(oldest, now) if oldest else None}


def _providers(session: Session, settings: Settings) -> Found:
    rows = {row.name: row for row in queries.providers(session)}
    found = {}
    for name in sorted({*settings.providers, *rows}):
        row = rows.get(name)
        found[name] = {
            "state": row.state if row else "working",
            "defined": name in settings.providers,
            "since": row.since.isoformat() if row and row.since else None,
            "reason": row.problem if row else "",
            "resumed_by": row.pause_ends if row else "",
            "attempt": row.attempt if row else 0,
            "next_probe": row.due_at.isoformat() if row and row.due_at else None,
        }
    return found


def _ago(moment: datetime, now: datetime) -> float:
    return round(max(0.0, (now - moment).total_seconds()), 1)


def lines(found: Found) -> Iterator[str]:
    """The same for a person."""
    if found["observing"]:
        yield "cloud-burst only observes: 'cloud-admin burst resume' lets it work."
    if not found["workers"]:
        yield "No process of cloud-burst runs."
    for worker in found["workers"]:
        seen = f"seen {worker['seen_seconds_ago']:g} s ago, {worker['in_hand']} in hand"
        stale = " (STALE: it hangs, or was killed)" if worker["stale"] else ""
        yield f"worker {worker['host']} {worker['pid']}: {seen}{stale}"
    for kind, due in found["due"].items():
        oldest = f", the first for {due['oldest_seconds']:g} s" if due["number"] else ""
        yield f"due {kind}: {due['number']}{oldest}"
    for name, provider in found["providers"].items():
        yield f"provider {name}: {_provider(provider)}"
    for name, listing in found["listings"].items():
        yield f"listing {name}: {_listing(name, listing)}"


def _listing(name: str, listing: Found) -> str:
    told = f"{listing['servers']} servers {listing['seconds_ago']:g} s ago"
    counted = [
        f"{listing[key]} {words}"
        for key, words in (("unknown", "unknown here"), ("abandoned", "abandoned"))
        if listing[key]
    ]
    remedy = f"; see 'cloud-admin reconcile --provider {name}'" if counted else ""
    return ", ".join([told, *counted]) + remedy


def _provider(provider: Found) -> str:
    unknown = "" if provider["defined"] else ", not in the settings any more"
    if provider["state"] != "paused":
        return f"{provider['state']}{unknown}"
    ends = (
        f"probed at {provider['next_probe']}, attempt {provider['attempt'] + 1}"
        if provider["resumed_by"] == "probe"
        else "until an operator resumes it"
    )
    return f"paused since {provider['since']}, {ends}: {provider['reason']}{unknown}"
