"""What goes wrong at the clouds while there is chaos: everything, some of it in turns."""

from collections.abc import Sequence
from random import Random
from typing import Any

from chaos_world import SETTLE, SIMULATED, World

from cloudhands.burst.providers.simulated.faults import Faults
from cloudhands.common.testing.ec2_faults import Fault

# At all times.
COMMON: dict[str, Any] = {
    "temporary": {"any": 0.05, "create": 0.15},
    "lost": {"any": 0.03, "create": 0.15, "delete": 0.15, "give_address": 0.1, "reboot": 0.2},
    "timeout_before": {"any": 0.02},
    "timeout_after": {"any": 0.02},
    "timeout_seconds": 0.3,
    "full": {"any": 0.03},
    "strange": {"any": 0.02, "create": 0.05},
    "failing": 0.05,
    "failing_full": 0.5,
    "slow_deletion": 0.2,
    "slow_seconds": 1,
    "late": 0.2,
    "late_seconds": SETTLE / 3,
}
# Besides, one after the other.
TURNS: Sequence[dict[str, Any]] = (
    {"denied": True},
    {"calls_per_second": 10},
    {"stuck_deletion": 0.5},
    {"vanished": True},
    {"holes": 0.3},
    {"temporary": {"any": 0.9}},
    {"lost": {"any": 0.5}},
    {"full": {"any": 1.0}},
    {"failing": 0.5},
    # Another was asked for long before: drift finds it.
    {"late": 0.3, "late_seconds": SETTLE * 2},
)
AT_EC2: Sequence[Fault] = (
    Fault(share=0.05, times=None, status=503, code="Unavailable"),
    Fault(share=0.05, times=None, effect=True, lost=True),
    Fault(share=0.03, times=None, status=500, code="InternalError", effect=True),
    Fault(share=0.03, times=None, delay=0.3),
    Fault(share=0.02, times=None, status=503, code="RequestLimitExceeded", retry_after=1),
    Fault(share=0.02, times=None, body="this is no answer"),
    Fault("RunInstances", share=0.1, times=None, status=500, code="InsufficientInstanceCapacity"),
    Fault("RunInstances", share=0.1, times=None, effect=True, lost=True),
    Fault("TerminateInstances", share=0.2, times=None, effect=True, lost=True),
    Fault("AllocateAddress", share=0.2, times=None, effect=True, lost=True),
    Fault("AllocateAddress", share=0.1, times=None, status=400, code="AddressLimitExceeded"),
)
AT_EC2_IN_TURNS: Sequence[Fault] = (
    Fault(times=None, status=401, code="AuthFailure"),
    Fault("RunInstances", times=None, status=400, code="VcpuLimitExceeded"),
    Fault(share=0.5, times=None, lost=True),
)


class Weather:
    """Changes what goes wrong, from one turn to the next."""

    def __init__(self, world: World, random: Random) -> None:
        self._world = world
        self._random = random
        self._turn = 0

    @property
    def kinds(self) -> int:
        """After how many turns everything has gone wrong."""
        return len(TURNS)

    def turn(self) -> None:
        """Let other things go wrong from now on."""
        for number, name in enumerate(SIMULATED):
            besides = TURNS[(self._turn + number * 4) % len(TURNS)]
            seeded = {"seed": self._random.randrange(2**31)}
            self._world.break_(name, Faults.model_validate(COMMON | besides | seeded))
        if server := self._world.ec2:
            server.mend()
            half, rest = divmod(self._turn, 2)
            besides = [AT_EC2_IN_TURNS[half % len(AT_EC2_IN_TURNS)]] if rest else []
            server.fail(*besides, *AT_EC2)
        self._turn += 1

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        for name in SIMULATED:
            self._world.break_(name, None)
        if server := self._world.ec2:
            server.mend()
