"""What keeps an appliance from a cloud, in a plain reason: pure.

What will not pass by itself is named first, then what may; a person is asked for approval only
where nothing else is in the way.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from cloudhands.common.placement import money
from cloudhands.common.placement.values import Candidate, Verdict, Wish

# How soon to look again where nobody can say when it will pass, in seconds.
WAIT_SECONDS = 60
# An approval wakes what waits for it.
ASKING_SECONDS = 3600

# States of a subscription that pass.
NOT_NOW = {"maintenance": "is in maintenance", "unchecked": "has not been checked yet"}

Reason = Callable[[Candidate, Wish], str]


def hurdle(candidate: Candidate, wish: Wish, now: datetime) -> Verdict | None:
    """What keeps an appliance from a candidate, or None.

    :param now: the moment at which marks of fullness are judged.
    """
    for hurdles, wait in ((LASTING, None), (PASSING, WAIT_SECONDS)):
        for reason, brief in hurdles:
            if said := reason(candidate, wish):
                return Verdict(candidate, said, brief=brief, wait=wait)
    return _full(candidate, now) or _to_be_approved(candidate, wish)


def _not_in_use(candidate: Candidate, wish: Wish) -> str:
    if not candidate.defined:
        return "is no longer set up here"
    return "is no longer used by the organisation" if candidate.state == "inactive" else ""


def _not_mapped(candidate: Candidate, wish: Wish) -> str:
    if candidate.provider not in wish.definition["images"]:
        return "has no image for this item"
    mapped = wish.definition["sizes"].get(wish.size, {}).get("on", {})
    return "" if candidate.provider in mapped else "has no such size for this item"


def _elsewhere(candidate: Candidate, wish: Wish) -> str:
    whose = {
        "the organisation's": wish.locations,
        "this item's": wish.definition.get("locations", ()),
    }
    for owner, allowed in whose.items():
        if allowed and candidate.location not in allowed:
            where = f"keeps data in {candidate.location}"
            told = where if candidate.location else "does not say where it keeps data"
            return f"{told}, and {owner} must stay in {' or '.join(allowed)}"
    return ""


def _no_consent(candidate: Candidate, wish: Wish) -> str:
    if candidate.public and candidate.overflow == "never":
        return "is public, and the organisation does not consent to overflow"
    return ""


def _unpriced(candidate: Candidate, wish: Wish) -> str:
    if wish.left is None or candidate.price is not None or not candidate.public:
        return ""  # a private cloud without a price costs nothing
    return "has no price for this size, and the organisation has a budget"


def _too_dear(candidate: Candidate, wish: Wish) -> str:
    cost = (candidate.price or 0) * wish.hours
    if wish.left is None or not cost or cost <= wish.left:
        return ""
    left = money.words(max(wish.left, Decimal(0)), wish.currency)
    return (
        f"would cost {money.words(cost, wish.currency)} until the month ends, "
        f"and {left} of the organisation's budget is free"
    )


def _given_up(candidate: Candidate, wish: Wish) -> str:
    return candidate.failure


def _paused(candidate: Candidate, wish: Wish) -> str:
    return f"is paused: {candidate.paused.rstrip('.')}" if candidate.paused else ""


def _not_now(candidate: Candidate, wish: Wish) -> str:
    told, why = NOT_NOW.get(candidate.state, ""), candidate.problem.rstrip(".")
    return f"{told}: {why}" if told and why else told


def _short(candidate: Candidate, wish: Wish) -> str:
    if candidate.shortage:
        return f"is not open to more: the organisation {candidate.shortage} there"
    return f"has too little quota: {candidate.quota_shortage}" if candidate.quota_shortage else ""


# With what is said of one within the sentence of the one chosen, where that reads differently.
LASTING: Sequence[tuple[Reason, str]] = (
    (_not_in_use, ""),
    (_not_mapped, ""),
    (_elsewhere, "is not where the data may lie"),
    (_no_consent, "is public and not consented to"),
    (_unpriced, "has no price"),
    (_given_up, ""),
)
PASSING: Sequence[tuple[Reason, str]] = (
    (_too_dear, "would cost more than the budget has"),
    (_paused, "is paused"),
    (_not_now, ""),
    (_short, ""),
)


def _full(candidate: Candidate, now: datetime) -> Verdict | None:
    if candidate.full_until is None or candidate.full_until <= now:
        return None
    if candidate.full_since and candidate.full_since > now:
        return None  # a clock was set back since: nobody knows how old it is
    since = f" at {candidate.full_since:%H:%M} UTC" if candidate.full_since else ""
    wait = (candidate.full_until - now).total_seconds()
    if candidate.lacks_addresses:
        return Verdict(
            candidate, f"had no address left{since}", brief="has no address left", wait=wait
        )
    return Verdict(candidate, f"was full{since}", brief="is full", wait=wait)


def _to_be_approved(candidate: Candidate, wish: Wish) -> Verdict | None:
    if not candidate.public or candidate.overflow != "ask" or candidate.approved:
        return None
    price = candidate.price
    told = "at a price that is not known" if price is None else money.a_month(price, wish.currency)
    return Verdict(
        candidate,
        f"is public, and an administrator has to approve its use first ({told})",
        brief="is public and not approved",
        wait=ASKING_SECONDS,
        asks=f"{candidate.label} ({told})",
    )
