"""Interleaved rounds over several targets, and what their ratios come to."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

TargetT = TypeVar("TargetT")
AskedT = TypeVar("AskedT", contravariant=True)


class Rater(Protocol[AskedT]):
    """Finds out how many times a second something can be had, as `harness.load.Loader` does."""

    def rate(self, target: AskedT, seconds: float) -> float:
        """How many times a second, by trying for so many seconds."""


Rates = Mapping[str, Sequence[float]]
"""How many times a second, by target, one figure a round."""


@dataclass(frozen=True)
class Plan:
    """How long a benchmark goes on.

    :param rounds: how many.
    :param seconds: of each target in each round.
    """

    rounds: int
    seconds: float


@dataclass(frozen=True)
class Ratio:
    """The median of the rounds' ratios, and the smallest and largest of them."""

    median: float
    low: float
    high: float


def interleaved(rater: Rater[TargetT], targets: Mapping[str, TargetT], plan: Plan) -> Rates:
    """Try one target after the other, in every round from another one on.

    Each is tried a little before, uncounted: what it makes at its first time is not measured.
    """
    for target in targets.values():
        rater.rate(target, plan.seconds / 2)
    found: dict[str, list[float]] = {name: [] for name in targets}
    for number in range(plan.rounds):
        for name in rotated(list(targets), number):
            found[name].append(rater.rate(targets[name], plan.seconds))
    return found


def rotated(names: Sequence[str], by: int) -> Sequence[str]:
    """The same names from another one on."""
    first = by % len(names)
    return [*names[first:], *names[:first]]


def ratio(rates: Rates, over: str, under: str) -> Ratio:
    """One target's rate to another's, round by round."""
    found = [a / b for a, b in zip(rates[over], rates[under], strict=True)]
    return Ratio(statistics.median(found), min(found), max(found))
