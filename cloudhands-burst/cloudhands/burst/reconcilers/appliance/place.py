"""Chooses a cloud for an appliance that is held, and asks for approval where that is needed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.placement import Choice
from cloudhands.common.placement.asking import ask
from cloudhands.common.placement.gathering import circumstances
from cloudhands.common.placement.queries import approved
from cloudhands.common.provider.tables import Subscription
from cloudhands.common.settings import Settings


@dataclass(frozen=True)
class Placing:
    """What was chosen.

    :param used: the subscription to the chosen cloud; None if there is none.
    """

    choice: Choice
    used: Subscription | None


def place(
    session: Session,
    settings: Settings,
    appliance: Appliance,
    failures: Mapping[int, str],
    now: datetime,
) -> Placing:
    """Choose a cloud for an appliance among its organisation's.

    :param failures: see `Circumstances`.
    """
    found = circumstances(
        session,
        settings,
        appliance.organisation_id,
        now,
        failures=failures,
        without=appliance.id,
        lock=True,
    )
    # Nobody is asked where nobody has to be.
    if any(one.overflow == "ask" for one in found.subscriptions):
        found = replace(found, approved=approved(session, appliance))
    choice = found.choice(appliance.definition, appliance.size)
    if choice.asking:
        ask(session, appliance, choice.asking, now)
    name = choice.chosen.candidate.provider if choice.chosen else None
    used = (one for one in found.subscriptions if one.provider.name == name)
    return Placing(choice, next(used, None))
