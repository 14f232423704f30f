"""Chooses a cloud for an appliance that is held, and asks for approval where that is needed."""

from datetime import datetime

from sqlalchemy.orm import Session

from cloudhands.burst.reconcilers.appliance.given_up import hopeless
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.placement import Choice
from cloudhands.common.placement.asking import ask
from cloudhands.common.placement.gathering import circumstances
from cloudhands.common.placement.queries import approved
from cloudhands.common.settings import Settings


def place(session: Session, settings: Settings, appliance: Appliance, now: datetime) -> Choice:
    """Choose a cloud for an appliance among its organisation's."""
    found = circumstances(
        session,
        settings,
        appliance.organisation_id,
        now,
        approved=approved(session, appliance),
        failures=hopeless(session, appliance),
        without=appliance.id,
        lock=True,
    )
    choice = found.choice(appliance.definition, appliance.size)
    if choice.asking:
        ask(session, appliance, choice.asking, now)
    return choice
