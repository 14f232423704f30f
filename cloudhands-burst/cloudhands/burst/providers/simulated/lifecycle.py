"""What a simulated server is at a moment: computed from what was last asked of it, and when.

Nothing has to run for a server to boot or to vanish; it goes on by the clock while nobody looks.
"""

from enum import StrEnum

from cloudhands.burst.providers.simulated.options import Options
from cloudhands.common.cloud import ServerState


class Phase(StrEnum):
    """What was last asked of a server."""

    BUILDING = "building"
    STARTING = "starting"
    STOPPING = "stopping"
    DELETING = "deleting"


# What it is until the phase has taken its time, and what it is from then on; None is gone.
MEANWHILE = {
    Phase.BUILDING: ServerState.BUILDING,
    Phase.STARTING: ServerState.STARTING,
    Phase.STOPPING: ServerState.STOPPING,
    Phase.DELETING: ServerState.DELETING,
}
AFTERWARDS = {
    Phase.BUILDING: ServerState.RUNNING,
    Phase.STARTING: ServerState.RUNNING,
    Phase.STOPPING: ServerState.STOPPED,
    Phase.DELETING: None,
}


def duration(phase: Phase, options: Options) -> float:
    """How many seconds a phase takes."""
    return {
        Phase.BUILDING: options.boot_seconds,
        Phase.STARTING: options.boot_seconds,
        Phase.STOPPING: options.stop_seconds,
        Phase.DELETING: options.delete_seconds,
    }[phase]


def state_at(phase: Phase, since: float, now: float, options: Options) -> ServerState | None:
    """What a server is at a moment, or None once it is gone.

    :param since: when the phase began, in seconds since the epoch.
    :param now: the moment, likewise.
    """
    over = now >= since + duration(phase, options)
    return AFTERWARDS[phase] if over else MEANWHILE[phase]
