"""Which cloud an appliance goes to, and why: pure, so that a person can be told beforehand too.

Private clouds come first, then public ones, each by priority; a public cloud needs the
organisation's consent to overflow. Every candidate gets a plain reason, also the one chosen.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# How soon to look again where nobody can say when it will pass, in seconds.
WAIT_SECONDS = 60

# States of a subscription that pass.
NOT_NOW = {"maintenance": "is in maintenance", "unchecked": "has not been checked yet"}


@dataclass(frozen=True)
class Candidate:
    """An organisation's use of a provider, as placement needs it.

    :param provider: its name in the settings.
    :param label: what people call it; the name where the settings define it no more.
    :param defined: whether the settings define it.
    :param priority: the lowest is tried first.
    :param overflow: the consent to a public cloud: `never`, `ask` or `auto`.
    :param state: the subscription's state.
    :param full_since: when it last said that it was full for this organisation, None if that is
        forgotten.
    :param full_until: how long that is remembered.
    :param paused: why nothing there is called now; empty while it works.
    :param shortage: which of the organisation's limits there would be passed, in words.
    :param failure: why it was given up there for this try, in words that go on from the label.
    """

    provider: str
    label: str
    public: bool
    priority: int
    overflow: str = "never"
    state: str = "active"
    defined: bool = True
    full_since: datetime | None = None
    full_until: datetime | None = None
    shortage: str = ""
    paused: str = ""
    failure: str = ""


@dataclass(frozen=True)
class Verdict:
    """What is said of one candidate; `reason` goes on from its label.

    :param brief: the same within the sentence of the one chosen, where it reads differently.
    :param chosen: whether the appliance goes there.
    :param wait: seconds until it may be otherwise, None if it will not by itself.
    """

    candidate: Candidate
    reason: str
    brief: str = ""
    chosen: bool = False
    wait: float | None = None

    @property
    def sentence(self) -> str:
        """The reason as it stands in history."""
        return f"{self.candidate.label}: {self.reason}"


@dataclass(frozen=True)
class Choice:
    """What placement says: a verdict on every candidate, in the order of trial."""

    verdicts: Sequence[Verdict]

    @property
    def chosen(self) -> Verdict | None:
        """The one that is chosen, or None."""
        return next((verdict for verdict in self.verdicts if verdict.chosen), None)

    @property
    def wait(self) -> float | None:
        """Seconds until another try makes sense; None if it never does by itself."""
        return min((v.wait for v in self.verdicts if v.wait is not None), default=None)

    @property
    def sentence(self) -> str:
        """Why there is no cloud for it now, in one line."""
        if not self.verdicts:
            return "The organisation has no cloud to use."
        return f"No cloud can take it. {'; '.join(v.sentence for v in self.verdicts)}."

    def as_json(self) -> list[dict[str, Any]]:
        """As the appliance's row keeps it."""
        return [
            {
                "provider": verdict.candidate.provider,
                "label": verdict.candidate.label,
                "chosen": verdict.chosen,
                "reason": verdict.reason,
            }
            for verdict in self.verdicts
        ]


def sentence_of_chosen(placement: Iterable[Mapping[str, Any]]) -> str:
    """Which cloud was chosen and why, from what an appliance's row keeps (`Choice.as_json`)."""
    chosen = next(verdict for verdict in placement if verdict["chosen"])
    return f"{chosen['label']}: {chosen['reason']}"


def choose(
    candidates: Iterable[Candidate], definition: Mapping[str, Any], size: str, now: datetime
) -> Choice:
    """Choose a cloud.

    :param definition: the catalogue item's (`ItemDefinition` as JSON).
    :param size: the name of one of its sizes.
    :param now: the moment at which marks of fullness are judged.
    """
    order = sorted(candidates, key=lambda one: (one.public, one.priority, one.provider))
    hurdles = [_hurdle(candidate, definition, size, now) for candidate in order]
    first = hurdles.index(None) if None in hurdles else None
    return Choice(
        [
            hurdle or _usable(order, hurdles, place, chosen=place == first)
            for place, hurdle in enumerate(hurdles)
        ]
    )


def _hurdle(
    candidate: Candidate, definition: Mapping[str, Any], size: str, now: datetime
) -> Verdict | None:
    """What keeps an appliance from a candidate, or None; what will not pass is named first."""
    lasting = (
        _not_in_use(candidate)
        or _not_mapped(candidate, definition, size)
        or _no_consent(candidate)
        or candidate.failure
    )
    if lasting:
        return Verdict(candidate, lasting)
    if candidate.state in NOT_NOW:
        return Verdict(candidate, NOT_NOW[candidate.state], wait=WAIT_SECONDS)
    if candidate.paused:
        reason = f"is paused: {candidate.paused}"
        return Verdict(candidate, reason, brief="is paused", wait=WAIT_SECONDS)
    if candidate.shortage:
        reason = f"is not open to more: the organisation {candidate.shortage} there"
        return Verdict(candidate, reason, wait=WAIT_SECONDS)
    return _full(candidate, now)


def _not_in_use(candidate: Candidate) -> str:
    if not candidate.defined:
        return "is no longer set up here"
    return "is no longer used by the organisation" if candidate.state == "inactive" else ""


def _not_mapped(candidate: Candidate, definition: Mapping[str, Any], size: str) -> str:
    if candidate.provider not in definition["images"]:
        return "has no image for this item"
    mapped = definition["sizes"].get(size, {}).get("on", {})
    return "" if candidate.provider in mapped else "has no such size for this item"


def _no_consent(candidate: Candidate) -> str:
    if not candidate.public or candidate.overflow == "auto":
        return ""
    if candidate.overflow == "ask":
        return "is public, and an administrator would have to approve its use first"
    return "is public, and the organisation does not consent to overflow"


def _full(candidate: Candidate, now: datetime) -> Verdict | None:
    if candidate.full_until is None or candidate.full_until <= now:
        return None
    since = f" at {candidate.full_since:%H:%M} UTC" if candidate.full_since else ""
    wait = (candidate.full_until - now).total_seconds()
    return Verdict(candidate, f"was full{since}", brief="is full", wait=wait)


def _usable(
    order: Sequence[Candidate], hurdles: Sequence[Verdict | None], place: int, *, chosen: bool
) -> Verdict:
    candidate = order[place]
    if not chosen:
        before = order[hurdles.index(None)]
        return Verdict(candidate, f"not needed: {before.label} comes first")
    passed = [verdict for verdict in hurdles[:place] if verdict]
    return Verdict(candidate, _why(candidate, passed), chosen=True)


def _why(candidate: Candidate, passed: Sequence[Verdict]) -> str:
    if not passed:
        return "chosen, first by priority"
    parts = [f"{verdict.candidate.label} {verdict.brief or verdict.reason}" for verdict in passed]
    if candidate.public:
        parts.append("the organisation consents to overflow")
    return f"used because {_listed(parts)}"


def _listed(parts: Sequence[str]) -> str:
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last
