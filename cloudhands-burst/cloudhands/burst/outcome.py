"""What came of looking after an artifact once: values, so that loop and tests can tell."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Done:
    """It is at rest: nothing to do until somebody wants something."""


@dataclass(frozen=True)
class Again:
    """Look again.

    :param after: in so many seconds.
    :param problem: temporary trouble in plain words, empty when all goes well.
    """

    after: float
    problem: str = ""


@dataclass(frozen=True)
class Failed:
    """It cannot be done; a person has to decide.

    :param reason: in plain words.
    """

    reason: str


Outcome = Done | Again | Failed
