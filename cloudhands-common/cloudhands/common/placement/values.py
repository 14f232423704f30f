"""What placement is asked, and what it answers: frozen values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Candidate:
    """An organisation's use of a provider, as placement needs it for one size.

    :param provider: its name in the settings.
    :param label: what people call it; the name where the settings define it no more.
    :param priority: the lowest is tried first.
    :param overflow: the consent to a public cloud: `never`, `ask` or `auto`.
    :param approved: whether an administrator has approved the public cloud for this appliance.
    :param state: the subscription's state.
    :param problem: why it is in that state, in words; may be empty.
    :param defined: whether the settings define it.
    :param location: where data lie there; empty where the settings do not say.
    :param price: of the size, running, an hour, in the settings' currency; None if not known.
    :param paused: why nothing is asked of it now, in words; empty if it works.
    :param shortage: which of the organisation's limits there would be passed, in words.
    :param quota_shortage: which of the cloud's own quotas would be passed, in words.
    :param failure: why it was given up there for this try, in words that go on from the label.
    :param full_since: when it last said that it was full for this organisation, None if that is
        forgotten.
    :param full_until: how long that is remembered.
    :param lacks_addresses: whether it was full of addresses alone, and one is wanted.
    """

    provider: str
    label: str
    public: bool
    priority: int
    overflow: str = "never"
    approved: bool = False
    state: str = "active"
    problem: str = ""
    defined: bool = True
    location: str = ""
    price: Decimal | None = None
    paused: str = ""
    shortage: str = ""
    quota_shortage: str = ""
    failure: str = ""
    full_since: datetime | None = None
    full_until: datetime | None = None
    lacks_addresses: bool = False


@dataclass(frozen=True)
class Wish:
    """What a cloud is chosen for.

    :param definition: the catalogue item's (`ItemDefinition` as JSON).
    :param size: the name of one of its sizes.
    :param locations: where the organisation's data may lie; empty for anywhere.
    :param left: what is left of the organisation's budget this month; None if it has none.
    :param hours: until the month ends, for which a launch must be paid.
    :param currency: what prices and budgets are in.
    """

    definition: Mapping[str, Any]
    size: str
    locations: Sequence[str] = ()
    left: Decimal | None = None
    hours: Decimal = Decimal(0)
    currency: str = "EUR"


@dataclass(frozen=True)
class Verdict:
    """What is said of one candidate; `reason` goes on from its label.

    :param brief: the same within the sentence of the one chosen, where it reads differently.
    :param chosen: whether the appliance goes there.
    :param wait: seconds until it may be otherwise, None if it will not by itself.
    :param asks: what an administrator is to approve, in words, if nothing else is in the way.
    """

    candidate: Candidate
    reason: str
    brief: str = ""
    chosen: bool = False
    wait: float | None = None
    asks: str = ""

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
    def asking(self) -> Verdict | None:
        """The one that an administrator is to approve, if no other can take it; or None."""
        if self.chosen:
            return None
        return next((verdict for verdict in self.verdicts if verdict.asks), None)

    @property
    def wait(self) -> float | None:
        """Seconds until another try makes sense; None if it never does by itself."""
        return min((v.wait for v in self.verdicts if v.wait is not None), default=None)

    @property
    def sentence(self) -> str:
        """Why there is no cloud for it now, in one line."""
        if not self.verdicts:
            return "The organisation has no cloud to use."
        asking = self.asking
        others = "; ".join(v.sentence for v in self.verdicts if v is not asking)
        if asking is None:
            return f"No cloud can take it. {others}."
        waits = f"It waits for an administrator's approval to use {asking.asks}."
        return f"{waits} {others}." if others else waits

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
