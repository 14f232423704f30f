"""What is recorded by several at once: shares are neither taken too often nor given back twice."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from cloudhands.burst.reconcilers.appliance.books import Books
from cloudhands.burst.reconcilers.appliance.entry import Overtaken
from cloudhands.burst.testing import World
from cloudhands.common.appliance.tables import Node
from cloudhands.common.db import Database
from cloudhands.common.errors import ClaimLost
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.queries import subscription_to

WORKERS, ROOM = 8, 3


def at_once(acts: Sequence[Callable[[], Any]]) -> Counter[str]:
    """What came of acts that begin at the same moment, by the kind of answer or error."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        start.wait(60)
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        done = [threads.submit(run, act) for act in acts]
    return Counter(type(one.exception() or one.result()).__name__ for one in done)


def reserved(world: World) -> tuple[int, int, int]:
    """Of how many appliances the organisation, its subscription and the nodes tell."""
    with world.database.reading() as session:
        organisation = session.get_one(Organisation, world.organisation_id)
        used = subscription_to(session, organisation.id, "private")
        assert used is not None
        living = session.scalar(select(func.count(Node.id)).where(Node.ended_at.is_(None)))
        return organisation.appliances_used, used.appliances_used, living or 0


def test_the_last_shares_are_taken_and_given_back_once(database: Database, tmp_path: Path) -> None:
    world = World(database, tmp_path, overflow="never")
    with database.writing() as session:
        used = subscription_to(session, world.organisation_id, "private", lock=True)
        assert used is not None
        used.appliances_limit = ROOM
    # As in two processes, each of which has threads.
    one, other = (Books(world.context).records for _ in range(2))
    for _ in range(WORKERS):
        world.launch()
    claims = world.claims()
    placing = [
        (by, claim, one.view(claim)) for by, claim in zip(cycle((one, other)), claims, strict=False)
    ]
    came = at_once([lambda b=by, c=claim, v=view: b.placed(c, v) for by, claim, view in placing])
    assert came["Next"] == ROOM
    assert came.keys() <= {"Next", "Again", Overtaken.__name__}, came
    assert reserved(world) == (WORKERS, ROOM, ROOM)
    placed = [(claim, view) for claim in claims if (view := one.view(claim)).node]
    for gone, (claim, view) in enumerate(placed, start=1):
        finishing = [lambda b=by, c=claim, v=view: b.finished(c, v) for by in (one, other)]
        came = at_once(finishing * (WORKERS // 2))
        assert came == {"Done": 1, ClaimLost.__name__: WORKERS - 1}
        assert reserved(world) == (WORKERS - gone, ROOM - gone, ROOM - gone)
