"""Compares candidates: pure, so that a person can be told beforehand too.

Private clouds come first, then public ones, each by priority, and of equal priority the cheapest.
Every candidate gets a plain reason, also the one chosen.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from cloudhands.common.placement.hurdles import hurdle
from cloudhands.common.placement.values import Candidate, Choice, Verdict, Wish

_UNKNOWN = Decimal("Infinity")  # what is known to be cheap comes before what may be


def choose(candidates: Iterable[Candidate], wish: Wish, now: datetime) -> Choice:
    """Choose a cloud.

    :param now: the moment at which marks of fullness are judged.
    """
    order = sorted(candidates, key=_rank)
    hurdles = [hurdle(candidate, wish, now) for candidate in order]
    first = hurdles.index(None) if None in hurdles else None
    return Choice(
        [
            found or _usable(order, hurdles, place, chosen=place == first)
            for place, found in enumerate(hurdles)
        ]
    )


def sentence_of_chosen(placement: Iterable[Mapping[str, Any]]) -> str:
    """Which cloud was chosen and why, from what an appliance's row keeps (`Choice.as_json`)."""
    chosen = next(verdict for verdict in placement if verdict["chosen"])
    return f"{chosen['label']}: {chosen['reason']}"


def _rank(candidate: Candidate) -> tuple[bool, int, Decimal, str]:
    price = _UNKNOWN if candidate.price is None else candidate.price
    return candidate.public, candidate.priority, price, candidate.provider


def _usable(
    order: Sequence[Candidate], hurdles: Sequence[Verdict | None], place: int, *, chosen: bool
) -> Verdict:
    candidate, first = order[place], order[hurdles.index(None)]
    if chosen:
        passed = [verdict for verdict in hurdles[:place] if verdict]
        later = [one for one, found in zip(order, hurdles, strict=True) if found is None][1:]
        cheapest = any(_is_dearer(one, candidate) for one in later)
        return Verdict(candidate, _why(candidate, passed, cheapest=cheapest), chosen=True)
    before = "costs less" if _is_dearer(candidate, first) else "comes first"
    return Verdict(candidate, f"not needed: {first.label} {before}")


def _is_dearer(candidate: Candidate, than: Candidate) -> bool:
    """Whether the price alone puts one after another."""
    mine, other = _rank(candidate), _rank(than)
    return mine[:2] == other[:2] and mine[2] > other[2]


def _why(candidate: Candidate, passed: Sequence[Verdict], *, cheapest: bool) -> str:
    first = "the cheapest of its priority" if cheapest else "first by priority"
    if not passed:
        return f"chosen, {first}{f', as {_consent(candidate)}' if candidate.public else ''}"
    parts = [f"{verdict.candidate.label} {verdict.brief or verdict.reason}" for verdict in passed]
    if candidate.public:
        parts.append(_consent(candidate))
    return f"used because {_listed(parts)}"


def _consent(candidate: Candidate) -> str:
    if candidate.overflow == "ask":
        return "an administrator approved it"
    return "the organisation consents to overflow"


def _listed(parts: Sequence[str]) -> str:
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last
