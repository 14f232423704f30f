"""Trouble for tests, put where it can really come: clouds that fail and lie still, crashes.

A `Chaos` is shared by the clouds and the database of one world. Every begin and end of a
transaction and every call of a cloud passes it; it ends the process there (`Crash`), or lets
other things happen meanwhile, when it is told to.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy.orm import Session

from cloudhands.burst.context import Context
from cloudhands.burst.providers.simulated.adapter import SimulatedCloud
from cloudhands.burst.relay import Relay
from cloudhands.burst.testing_capable import CapableWorld
from cloudhands.common.clock import Clock
from cloudhands.common.cloud import (
    Cloud,
    Gone,
    Identity,
    Server,
    ServerSpec,
    ServerState,
    Temporary,
)
from cloudhands.common.db import Database

When = Literal["before", "after"]
CALLS = (
    *("find", "observe", "create", "start", "stop", "delete"),
    *("give_address", "release", "reboot", "resize"),
)
OF_A_SERVER = frozenset(CALLS) - {"find", "create", "release"}
CLAIM = 16
"""Seconds after which no claim is good any more."""


class Crash(BaseException):
    """As if the process had ended there."""


@dataclass
class Chaos:
    """What shall go wrong next; nothing until it is told to.

    :param crash_in: how many moments more pass before the process ends; None for never.
    :param meanwhile: what happens during the call of a cloud that `call_in` counts down to, while
        the one who calls waits for the answer.
    :param when: whether that is before the call has taken effect, or after.
    """

    crash_in: int | None = None
    call_in: int = 0
    when: When = "before"
    meanwhile: Callable[[], object] | None = None

    def moment(self) -> None:
        """A moment at which a process may end.

        :raises Crash: if it is the one.
        """
        if self.crash_in is None:
            return
        self.crash_in -= 1
        if self.crash_in < 0:
            self.crash_in = None
            raise Crash

    def during(self, when: When) -> None:
        """A cloud is being called: let happen what shall happen meanwhile, once."""
        self.moment()
        if self.meanwhile is None or when != self.when:
            return
        self.call_in -= 1
        if self.call_in < 0:
            happens, self.meanwhile = self.meanwhile, None
            happens()

    def calm(self) -> None:
        """Nothing more goes wrong."""
        self.crash_in = self.meanwhile = None


class FragileDatabase(Database):
    """A database as a process sees it that may end around each of its transactions.

    :param database: the open one, which others go on using.
    """

    def __init__(self, database: Database, chaos: Chaos) -> None:
        self.__dict__.update(database.__dict__)
        self._chaos = chaos

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """See `Database`."""
        self._chaos.moment()
        with super().reading() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """See `Database`."""
        self._chaos.moment()
        with super().writing() as session:
            yield session
            session.flush()
            self._chaos.moment()
        self._chaos.moment()


class ChaoticCloud(Relay):
    """A cloud in which things go wrong.

    :param cloud: the one that does what it is asked for.
    :param simulated: the one behind it, in which things happen that nobody asked for.
    :ivar away: whether no call is answered.
    :ivar before: what the next call of that name raises instead of doing anything.
    :ivar after: what the next call of that name raises once it has been done: a lost reply.
    :ivar failed: the servers, by id, of which it says that they cannot run.
    :ivar late: for how many seconds it does not show a server that it makes from now on.
    """

    def __init__(self, cloud: Cloud, simulated: SimulatedCloud, chaos: Chaos, clock: Clock) -> None:
        super().__init__(cloud)
        self.cloud = simulated
        self.chaos = chaos
        self.late = 0.0
        self._clock = clock
        self._shown_at: dict[str, datetime] = {}
        self.away = False
        self.before: dict[str, BaseException] = {}
        self.after: dict[str, BaseException] = {}
        self.failed: set[str] = set()

    def find(self, identity: Identity) -> Sequence[Server]:
        """See `Cloud`."""
        found = super().find(identity)
        return [self._as_told(server) for server in found if self._shows(server.id)]

    def observe(self, server_id: str) -> Server:
        """See `Cloud`."""
        return self._as_told(super().observe(server_id))

    def create(self, spec: ServerSpec) -> Server:
        """See `Cloud`."""
        return self._as_told(super().create(spec))

    def heal(self) -> None:
        """Everything works again; what has failed has failed."""
        self.away = False
        self.late = 0.0
        self.before.clear()
        self.after.clear()

    def vanish(self, server_id: str) -> None:
        """Lose a server from one moment to the next."""
        with self.cloud._store.changing() as servers:
            servers.forget(server_id)

    def _call(self, name: str, *about: object) -> Any:
        self.chaos.during("before")
        if self.away:
            raise Temporary("the cloud did not answer in time")
        if name in self.before:
            raise self.before.pop(name)
        if name in OF_A_SERVER and not self._shows(str(about[0])):
            raise Gone(f"there is no server {about[0]}")
        result = super()._call(name, *about)
        if name == "create":
            self._shown_at[result.id] = self._clock() + timedelta(seconds=self.late)
        self.chaos.during("after")
        if name in self.after:
            raise self.after.pop(name)
        return result

    def _shows(self, server_id: str) -> bool:
        shown_at = self._shown_at.get(server_id)
        return shown_at is None or shown_at <= self._clock()

    def _as_told(self, server: Server) -> Server:
        if server.id not in self.failed or server.state is ServerState.DELETING:
            return server
        return replace(server, state=ServerState.FAILED, problem="no valid host was found")


@dataclass
class ChaoticWorld(CapableWorld):
    """A world in which everything can go wrong, one thing after the other."""

    chaos: Chaos = field(default_factory=Chaos)
    troubled: dict[str, ChaoticCloud] = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.troubled = {
            name: ChaoticCloud(cloud, self.simulated(name), self.chaos, self.clock)
            for name, cloud in self.clouds.items()
        }
        self.clouds = dict(self.troubled)

    def held(self) -> list[Identity]:
        """For whom addresses are held at the clouds."""
        return [identity for memory in self.memories.values() for identity in memory.held]

    @property
    def context(self) -> Context:
        """As cloud-burst sees it."""
        return replace(super().context, database=FragileDatabase(self.database, self.chaos))

    def calm(self) -> None:
        """No crash is to come any more; what is wrong with the clouds stays."""
        self.chaos.calm()
        for cloud in self.troubled.values():
            for coming in (cloud.before, cloud.after):
                for call in [call for call, error in coming.items() if isinstance(error, Crash)]:
                    del coming[call]

    def heal(self) -> None:
        """Everything works again, and no claim is left from before."""
        self.chaos.calm()
        for cloud in self.troubled.values():
            cloud.heal()
        self.clock.advance(CLAIM)
