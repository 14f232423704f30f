"""What a simulated server is at a moment: computed from what was last asked of it, and when.

Nothing has to run for a server to boot or to vanish; it goes on by the clock while nobody looks.
"""

from collections.abc import Mapping
from enum import StrEnum

from cloudhands.burst.providers.simulated.options import Options
from cloudhands.common.cloud import ServerState

NEVER = 1e15
"""A moment that does not come, in seconds since the epoch."""


class Phase(StrEnum):
    """What was last asked of a server."""

    BUILDING = "building"
    STARTING = "starting"
    STOPPING = "stopping"
    REBOOTING = "rebooting"
    RESIZING = "resizing"
    DELETING = "deleting"


# What it is from when the phase has taken its time; until then it is what the phase says. None is
# gone.
AFTERWARDS: Mapping[Phase, ServerState | None] = {
    Phase.BUILDING: ServerState.RUNNING,
    Phase.STARTING: ServerState.RUNNING,
    Phase.STOPPING: ServerState.STOPPED,
    Phase.REBOOTING: ServerState.RUNNING,
    Phase.RESIZING: ServerState.STOPPED,
    Phase.DELETING: None,
}
_MEANWHILE: Mapping[Phase, ServerState] = {phase: ServerState(phase.value) for phase in Phase}


def duration(phase: Phase, options: Options) -> float:
    """How many seconds a phase takes."""
    match phase:
        case Phase.BUILDING | Phase.STARTING:
            return options.boot_seconds
        case Phase.STOPPING:
            return options.stop_seconds
        case Phase.REBOOTING:
            return options.reboot_seconds
        case Phase.RESIZING:
            return options.resize_seconds
        case Phase.DELETING:
            return options.delete_seconds


def state_at(
    phase: Phase, since: float, now: float, options: Options, problem: str = ""
) -> ServerState | None:
    """What a server is at a moment, or None once it is gone.

    :param since: when the phase began, in seconds since the epoch; later than now if it is late.
    :param now: the moment, likewise.
    :param problem: why it will not run once it is built; empty if it will.
    """
    if now < since + duration(phase, options):
        return _MEANWHILE[phase]
    if problem and phase is Phase.BUILDING:
        return ServerState.FAILED
    return AFTERWARDS[phase]
