"""What may befall a simulated cloud's servers by themselves; here nothing does."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Building:
    """How the building of a server will go.

    :param seen_after: seconds until it can be found.
    :param problem: why it will not run; empty if it will.
    :param full: whether that is for want of room.
    """

    seen_after: float = 0
    problem: str = ""
    full: bool = False


class Luck:
    """How things go; `faults` has one with which they go wrong."""

    @property
    def sticking(self) -> bool:
        """Whether deletions that were to stick do so still."""
        return False

    def building(self) -> Building:
        """How the building of a new server will go."""
        return Building()

    def deletion_late_by(self) -> float:
        """Seconds until a deletion begins that is asked for now; infinite if it will stick."""
        return 0
