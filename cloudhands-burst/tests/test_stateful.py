"""People, operators, clouds and crashes in any order: what has to hold holds after every step.

At the end of every run the clouds are healed and an administrator deletes everything: all of it
becomes deleted, and nothing is left anywhere.

In the suite the runs are always the same ones. A long form looks for new ones:
`CLOUDHANDS_EXAMPLES=500 pytest cloudhands-burst/tests/test_stateful.py -k sqlite`; hypothesis
prints the shortest run that breaks something as a program.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import update

from cloudhands.burst.providers.simulated import adapter
from cloudhands.burst.testing import SETTLE
from cloudhands.burst.testing_chaos import CALLS, CLAIM, ChaoticWorld, Crash
from cloudhands.burst.testing_invariants import broken, broken_since, forgotten, seen
from cloudhands.burst.testing_people import PROVIDER, People
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.cloud import Denied, Full, Invalid, Temporary
from cloudhands.common.errors import ClaimLost
from cloudhands.common.history import verification
from cloudhands.common.limits import Limits
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.testing.databases import SECRET, short_lived
from cloudhands.common.testing.factories import Factory

LONG = int(os.environ.get("CLOUDHANDS_EXAMPLES", "0"))
SHORT = {"sqlite": 16, "postgresql": 4}
STEPS = 25

# A create that nobody knows of is what most can go wrong with.
CALL = st.sampled_from(["create", "create", "create", *CALLS])
WHEN = st.sampled_from(["before", "after"])
ERRORS: dict[str, Callable[[], Exception]] = {
    "busy": lambda: Temporary("it is busy"),
    "later": lambda: Temporary("slow down", retry_after=90),
    "denied": lambda: Denied("the credentials are refused"),
    "full": lambda: Full("its quota is used up"),
    "invalid": lambda: Invalid("it has no such image"),
}

# Of a server and its twin the one whose id is lower is kept: the ids have to be the same again.
IDS = Random()


class Cloudhands(People):
    launched = People.launched

    @initialize(
        target=launched,
        count=st.integers(1, 3),
        seconds=st.sampled_from([0, 1, 8]),
        seed=st.integers(0, 9),
    )
    def begin(self, count, seconds, seed):
        IDS.seed(seed)
        made = [self.launch("ben", "small") for _ in range(count)]
        self.world.go_on(seconds)
        return multiple(*made)

    # --- clouds ---

    @rule(provider=PROVIDER, call=CALL, how=st.sampled_from(sorted(ERRORS)))
    def trouble(self, provider, call, how):
        if how == "full" and call not in ("create", "start", "give_address", "resize"):
            how = "busy"
        if how == "invalid" and call not in ("create", "resize"):
            how = "later"
        self.world.troubled[provider].before[call] = ERRORS[how]()

    @rule(provider=PROVIDER)
    def full(self, provider):
        self.world.troubled[provider].before["create"] = ERRORS["full"]()

    @rule(provider=PROVIDER, call=CALL)
    def reply_lost(self, provider, call):
        self.world.troubled[provider].after[call] = Temporary("it did not answer in time")

    @rule(provider=PROVIDER, seconds=st.sampled_from([0, 2, SETTLE - 1]))
    def late(self, provider, seconds):
        """What is made from now on shows itself only later."""
        self.world.troubled[provider].late = seconds

    @rule(provider=PROVIDER, left=st.sampled_from([0, 1, 8]))
    def addresses(self, provider, left):
        self.world.memories[provider].addresses = left

    @rule(provider=PROVIDER, away=st.booleans())
    def outage(self, provider, away):
        self.world.troubled[provider].away = away

    @rule(provider=PROVIDER, how=st.sampled_from(["vanish", "fail", "stop", "start"]))
    def by_itself(self, provider, how):
        """The first server of a cloud does something that nobody here asked for."""
        servers = self.world.servers(provider)
        if not servers:
            return
        cloud, first = self.world.troubled[provider], servers[0].id
        if how == "vanish":
            cloud.vanish(first)
        elif how == "fail":
            cloud.failed.add(first)
        else:
            with suppress(Temporary):
                getattr(cloud.cloud, how)(first)

    # --- time, and cloud-burst ---

    @rule(seconds=st.sampled_from([1, 3, CLAIM, 61, 700]))
    def wait(self, seconds):
        self.world.clock.advance(seconds)

    @rule()
    def look(self):
        self.world.look()

    @rule(seconds=st.sampled_from([3, 8, 70]))
    def go_on(self, seconds):
        self.world.go_on(seconds)

    @rule()
    def take_one_and_stop(self):
        """A worker takes the longest due and is never heard of again."""
        self.world.claims(1)

    @rule()
    def notice_all(self):
        """As a look at all servers would: what happened at the clouds is found out."""
        with self.world.database.writing() as session:
            session.execute(update(Appliance).values(due_at=self.world.clock()))

    @rule(
        target=launched,
        launching=st.sampled_from([True, True, False]),
        goal=st.sampled_from([None, "stopped", "running", "deleted"]),
        at=st.one_of(st.integers(0, 20), st.tuples(WHEN, CALL)),
        then=st.sampled_from([None, "stopped", "deleted", "deleted"]),
    )
    def crash(self, launching, goal, at, then):
        """A process ends anywhere in its work; people go on meanwhile."""
        self.want_all(goal)
        self.notice_all()
        made = self.launch("ada", "small") if launching else multiple()
        self.refused = False  # of this step that was only a part
        if isinstance(at, int):
            self.world.chaos.crash_in = at
        else:
            for cloud in self.world.troubled.values():
                getattr(cloud, at[0])[at[1]] = Crash()
        with suppress(Crash):
            self.world.look()
            event("nothing crashed")
        self.world.calm()
        self.want_all(then)
        return made

    @rule(
        target=launched,
        launching=st.sampled_from([True, True, False]),
        first=st.sampled_from([None, "stopped", "running"]),
        calls=st.integers(0, 3),
        when=WHEN,
        seconds=st.sampled_from([0, CLAIM]),
        goal=st.sampled_from([None, "stopped", "running", "deleted"]),
        looks=st.integers(0, 2),
    )
    def freeze(self, launching, first, calls, when, seconds, goal, looks):
        """A worker waits for a cloud, perhaps past its claim, and the others go on meanwhile."""
        chaos = self.world.chaos

        def meanwhile() -> None:
            self.world.clock.advance(seconds)
            self.want_all(goal)
            for _ in range(looks):
                self.world.look()
                self.world.clock.advance(1)

        for cloud in self.world.troubled.values():
            cloud.before.pop("delete", None)  # what came too late is cleared away
            cloud.away, cloud.late = False, 0
        self.want_all(first)
        self.notice_all()
        made = self.launch("ada", "small") if launching else multiple()
        self.refused = False  # of this step that was only a part
        chaos.call_in, chaos.when, chaos.meanwhile = calls, when, meanwhile
        for claim in self.world.claims():
            with suppress(ClaimLost):
                self.world.reconciler.reconcile(claim)
        self.world.calm()
        return made

    # --- what always holds ---

    @invariant()
    def everything_holds(self):
        now = seen(self.world)
        assert list(broken(now)) == []
        assert list(broken_since(self.before, now)) == []
        assert list(forgotten(now, self.world.held())) == []
        if self.refused:
            assert now.rows == self.before.rows, "what was refused has changed something"
        self.before, self.refused = now, False

    def teardown(self):
        with self._closing:
            if hasattr(self, "world"):
                self.delete_all()

    def delete_all(self) -> None:
        self.world.heal()
        for row in self.before.appliances:
            event(f"deleted from {row.state}")
        with self.world.database.writing() as session:
            make = Factory(session, self.world.clock())
            organisation = session.get_one(Organisation, self.world.organisation_id)
            make.member(organisation, "zoe", "admin")
        self.want_all("deleted")
        self.world.go_on(700)
        end = seen(self.world)
        assert list(broken(end)) == []
        assert {row.state for row in end.appliances} <= {"deleted"}
        assert end.servers == {"private": [], "public": []}
        assert self.world.held() == []
        assert all(row.released_at is not None for row in end.addresses)
        for row in (*end.organisations, *end.subscriptions):
            assert [getattr(row, f"{name}_used") for name in Limits.model_fields] == [0] * 5
        assert verification.verify(self.world.database, SECRET).findings == []


@contextmanager
def world(make_url: Callable[[Path], Any], folder: Path) -> Iterator[ChaoticWorld]:
    with ExitStack() as closing:
        state = Path(closing.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        url = closing.enter_context(make_url(state))
        yield ChaoticWorld(closing.enter_context(short_lived(url)), state)


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A new world for each run."""
    if request.param == "postgresql":
        reused = request.getfixturevalue("postgresql_reused")
        return partial(world, lambda state: reused.url(), tmp_path)
    template = request.getfixturevalue("sqlite_template")
    return partial(
        world,
        lambda state: nullcontext(f"sqlite:///{shutil.copy(template, state / 'cloudhands.db')}"),
        tmp_path,
    )


@pytest.mark.timeout(0 if LONG else 120)
def test_nothing_breaks(
    opened: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "uuid4", lambda: UUID(int=IDS.getrandbits(128), version=4))
    kind = request.node.callspec.params["opened"]
    run_state_machine_as_test(
        partial(Cloudhands, opened),
        settings=settings(
            max_examples=LONG or SHORT[kind],
            stateful_step_count=STEPS,
            derandomize=not LONG,
            deadline=None,
            database=None,
            print_blob=True,
            report_multiple_bugs=False,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
