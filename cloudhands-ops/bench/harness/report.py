"""A benchmark's figures beside their targets: one JSON object for programs, a table for people."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """What a figure shall be.

    :param key: its name in JSON.
    :param about: what it is, in a few words.
    :param at_least: the smallest value that will do.
    :param at_most: the largest one.
    """

    key: str
    about: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def text(self) -> str:
        """The target as people read it."""
        return f">= {self.at_least:g}" if self.at_least is not None else f"<= {self.at_most:g}"

    def met_by(self, value: float | None) -> bool:
        """Whether a measured value will do; what could not be measured will not."""
        if value is None:
            return False
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )


@dataclass(frozen=True)
class Figure:
    """What was measured.

    :param value: None if it could not be.
    :param note: its spread and what it was computed from, or why there is none.
    """

    value: float | None
    note: str = ""


Figures = Mapping[str, Figure]


def as_json(goals: Sequence[Goal], figures: Figures) -> str:
    """One object with a value for each goal; null for what could not be measured."""
    return json.dumps(values(goals, figures))


def values(goals: Sequence[Goal], figures: Figures) -> Mapping[str, float | None]:
    """A value for each goal; None for what could not be measured."""
    return {goal.key: figures[goal.key].value for goal in goals}


def table(goals: Sequence[Goal], figures: Figures) -> str:
    """A line for each goal: the value, the target, whether it is met, and the note."""
    return "\n".join(_line(goal, figures[goal.key]) for goal in goals)


def _line(goal: Goal, figure: Figure) -> str:
    value = "-" if figure.value is None else f"{figure.value:.4g}"
    verdict = "pass" if goal.met_by(figure.value) else "FAIL"
    return f"{verdict}  {goal.key:21} {value:>8}  {goal.text:8}  {goal.about}. {figure.note}"


def all_met(goals: Sequence[Goal], figures: Figures) -> bool:
    """Whether every goal is met."""
    return all(goal.met_by(figures[goal.key].value) for goal in goals)


def unmeasured(goals: Sequence[Goal], figures: Figures) -> Sequence[str]:
    """A sentence for each figure that could not be measured."""
    return [
        f"{goal.key}: {figures[goal.key].note}" for goal in goals if figures[goal.key].value is None
    ]


def told(figures: Mapping[str, float], differences: Sequence[str], *, as_json: bool) -> str:
    """Figures that have no targets, and what is not as it should be: an object, or a line each."""
    if as_json:
        return json.dumps({**figures, "differences": differences})
    return "\n".join([*(f"{name}: {value:g}" for name, value in figures.items()), *differences])


def busy() -> str:
    """A sentence if others use the machine now: figures are then lower, and ratios less true.

    What others run takes the processors from the one server that is measured, and its data out of
    their caches, which costs a page more than it costs a small answer.
    """
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    if load < processors / 2:
        return ""
    return f"The machine is busy (load {load:.1f} on {processors} processors): measure again alone."
