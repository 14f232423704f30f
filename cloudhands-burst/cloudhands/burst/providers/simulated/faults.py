"""What shall go wrong at a simulated cloud: a table of the settings, or a file at run time.

::

    [providers.private.options.faults]
    seed = 7
    temporary = { any = 0.1, create = 0.3 }
    lost = { create = 0.2, delete = 0.2 }
    holes = 0.05
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Call = Literal[
    "any",
    "find",
    "observe",
    "listed",
    "standing",
    "create",
    "start",
    "stop",
    "delete",
    "give_address",
    "release",
    "reboot",
    "resize",
    "console",
]
Probability = Annotated[float, Field(ge=0, le=1)]
Chances = Mapping[Call, Probability]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


class Faults(BaseModel):
    """The faults of a simulated cloud; by default none. Times are in seconds, chances from 0 to 1.

    By the name of the call, `any` for those that are not named:

    * `temporary`: nothing is done, and the cloud says so.
    * `lost`: it is done, and the reply is lost.
    * `timeout_before`, `timeout_after`: as these two, after `timeout_seconds`; see that these and
      `latency_seconds` are less than half a claim.
    * `full`: there is no room; concerns `create`, `give_address` and `resize` alone.
    * `strange`: it is done, and what is answered is not what was promised: the adapter stumbles.

    Of all calls: `denied` refuses the credentials; more than `calls_per_second` are throttled, in
    each process, with the time after which to try again.

    Of servers, when they are asked for: with the chance `late` one can be found, looked up and
    listed only after `late_seconds`; with `failing` its building ends as FAILED, the share
    `failing_full` of them for want of room; when it shall go, with `slow_deletion` that begins
    `slow_seconds` later, and with `stuck_deletion` it does not end while that chance is above 0.

    Of listings: each server is missing with the chance `holes`, all is missing while `vanished`.

    `seed` makes one process draw the same each time; without it nobody can say what is drawn. A
    process draws from the beginning again when it starts, and when the faults change.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int | None = None
    temporary: Chances = Field(default_factory=dict)
    lost: Chances = Field(default_factory=dict)
    timeout_before: Chances = Field(default_factory=dict)
    timeout_after: Chances = Field(default_factory=dict)
    timeout_seconds: Seconds = 1
    full: Chances = Field(default_factory=dict)
    strange: Chances = Field(default_factory=dict)
    denied: bool = False
    calls_per_second: Annotated[int, Field(ge=1)] | None = None
    late: Probability = 0
    late_seconds: Seconds = 5
    failing: Probability = 0
    failing_full: Probability = 0
    slow_deletion: Probability = 0
    slow_seconds: Seconds = 30
    stuck_deletion: Probability = 0
    holes: Probability = 0
    vanished: bool = False


NONE = Faults()


def chance(chances: Mapping[Any, float], call: str) -> float:
    """How likely it is for a call."""
    return chances.get(call, chances.get("any", 0))
