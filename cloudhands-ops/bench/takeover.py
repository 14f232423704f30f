#!/usr/bin/env python
"""Two cloud-burst on PostgreSQL share launches, one is killed in the middle: how soon the other has
what the dead one held, and whether all end and none is made twice.

A claim of the dead worker counts until it runs out: the take-over takes that long, and no longer
than the other needs to look again.

Exit status: 0 all run, each once; 1 not: each difference is named.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from chaos_people import People
from chaos_verdict import everything, is_quiet, verdict
from chaos_world import CLAIM, Extent, World, world
from harness import report
from harness.bursts import Bursts, bursts
from sqlalchemy import func, select

from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.history import Touch
from cloudhands.common.testing.postgresql import postgresql

APPLIANCES, QUICK_APPLIANCES = 1_000, 60
LIMIT_SECONDS = 300.0
POLL = 0.02


def main(argv: Sequence[str] | None = None) -> int:
    """The command's entry point."""
    options = _parser().parse_args(argv)
    number = QUICK_APPLIANCES if options.quick else options.appliances
    extent = Extent(appliances=number, kills=1, freezes=0, amazon=False)
    with (
        TemporaryDirectory(prefix="cloudhands-bench-") as folder,
        postgresql() as server,
        server.upgraded() as url,
        world(Path(folder), url, extent) as place,
        bursts(place.settings_file, place.folder) as processes,
    ):
        People(place, Random(0)).launch(number)
        told = _shared(place, processes, number)
        wrong = [*verdict(place).differences, *_not_once(place, number)]
    print(report.told(told, wrong, as_json=options.json))
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    arguments.add_argument(
        "--quick", action="store_true", help=f"{QUICK_APPLIANCES} launches instead"
    )
    arguments.add_argument(
        "--appliances",
        type=int,
        default=APPLIANCES,
        metavar="N",
        help="how many are launched (%(default)s)",
    )
    return arguments


def _shared(place: World, processes: Bursts, number: int) -> Mapping[str, float]:
    """Let two workers share them, and kill one in the middle."""
    first, second = (processes.start() for _ in range(2))
    started = time.monotonic()
    first.wait_until_ready()
    second.wait_until_ready()
    _wait(lambda: _running(place) >= number // 2)
    # Between two looks at what they wait for they hold nothing.
    _wait(lambda: bool(_held(place)))
    held = _held(place)
    processes.kill(first)
    killed = time.monotonic()
    rest = _lost_claims(place, held)
    _wait(lambda: is_quiet(place))
    ended = time.monotonic()
    processes.stop()
    return {
        "launches": number,
        "held_at_the_kill": len(held),
        "taken_over": rest[0],
        "claim_seconds": CLAIM,
        "take_over_seconds": round(rest[1] - killed, 2) if rest[0] else 0,
        "all_seconds": round(ended - started, 2),
    }


def _lost_claims(place: World, held: Mapping[int, str]) -> tuple[int, float]:
    """Wait until no claim of the dead one is left.

    :param held: the claims of both just before the kill; who lives gives his back by and by.
    :returns: how many were left of them when one of the living could have none of them any more,
        and when the last one was gone.
    """
    left, after = dict(held), time.monotonic()
    dead = 0
    while left and time.monotonic() - after < LIMIT_SECONDS:
        now = _held(place)
        left = {id_: token for id_, token in left.items() if now.get(id_) == token}
        if not dead and time.monotonic() - after > CLAIM / 2:
            dead = len(left)
        time.sleep(POLL)
    return dead, time.monotonic()


def _held(place: World) -> Mapping[int, str]:
    with place.database.reading() as session:
        rows = session.execute(
            select(Appliance.id, Appliance.claim_token).where(Appliance.claim_token.is_not(None))
        )
        return {row.id: row.claim_token for row in rows}


def _running(place: World) -> int:
    with place.database.reading() as session:
        query = select(func.count()).where(Appliance.state == "running")
        return session.scalar(query) or 0


def _not_once(place: World, number: int) -> list[str]:
    """What was not launched exactly once."""
    with place.database.reading() as session:
        made = Counter(session.scalars(select(Node.appliance_id)))
        begun = Counter(
            session.scalars(select(Touch.artifact_uuid).where(Touch.to_state == "provisioning"))
        )
    running, servers = _running(place), sum(len(one.servers) for one in everything(place).values())
    wrong = [f"appliance {id_} had {times} nodes" for id_, times in made.items() if times > 1]
    wrong += [
        f"appliance {id_} was made {times} times" for id_, times in begun.items() if times > 1
    ]
    if (running, servers) != (number, number):
        wrong.append(f"{running} appliances run on {servers} servers, not {number}")
    return wrong


def _wait(holds: Any) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not holds() and time.monotonic() < deadline:
        time.sleep(POLL)


if __name__ == "__main__":
    sys.exit(main())
