"""What can be read of placement: what a launch would meet, and what waits for an approval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, text
from sqlalchemy.orm import Session

from cloudhands.common.appliance.tables import PRESENT, Appliance
from cloudhands.common.catalogue.queries import amounts
from cloudhands.common.limits import shortage
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.placement.gathering import circumstances
from cloudhands.common.placement.tables import Approval, Budget
from cloudhands.common.placement.values import Choice, Verdict
from cloudhands.common.provider.tables import Provider
from cloudhands.common.settings import Settings


@dataclass(frozen=True)
class Preflight:
    """What a launch of one size would meet now.

    :param refused: why the organisation may not launch it at all, in words; empty if it may.
    :param choice: which cloud it would go to, and why.
    """

    size: str
    refused: str
    choice: Choice

    @property
    def chosen(self) -> Verdict | None:
        """The cloud that it would go to, or None."""
        return None if self.refused else self.choice.chosen

    @property
    def sentence(self) -> str:
        """What would happen, in a sentence or a few."""
        if self.refused:
            return f"The organisation {self.refused}."
        chosen, asking = self.choice.chosen, self.choice.asking
        if chosen:
            return f"It would go to {chosen.candidate.label}: {chosen.reason}."
        if asking:
            return f"It would wait for an administrator's approval to use {asking.asks}."
        if not self.choice.verdicts:
            return self.choice.sentence
        if self.choice.wait is None:
            return "No cloud can take it."
        return "No cloud can take it now; it would wait for one."


def preflight(
    session: Session,
    settings: Settings,
    organisation_id: int,
    definition: Mapping[str, Any],
    now: datetime,
) -> Sequence[Preflight]:
    """What a launch of each of an item's sizes would meet now; four queries.

    :param definition: an `ItemDefinition` as JSON.
    """
    organisation = session.get_one(Organisation, organisation_id)
    found = circumstances(session, settings, organisation_id, now)
    return [
        Preflight(
            size=size,
            refused=shortage(organisation, amounts(definition, size)),
            choice=found.choice(definition, size),
        )
        for size in definition["sizes"]
    ]


_APPROVED = (
    select(Provider.name)
    .join(Approval, Approval.provider_id == Provider.id)
    .where(
        Approval.appliance_id == bindparam("appliance"),
        Approval.generation == bindparam("generation"),
        Approval.approved_at.is_not(None),
    )
)


def approved(session: Session, appliance: Appliance) -> Sequence[str]:
    """Names of the providers that are approved for this try of an appliance."""
    values = {"appliance": appliance.id, "generation": appliance.generation}
    return session.scalars(_APPROVED, values).all()


def open_approvals(session: Session, appliance: Appliance) -> Sequence[Approval]:
    """What was asked for this try of an appliance and is not approved yet, the oldest first."""
    return session.scalars(
        select(Approval)
        .where(
            Approval.appliance_id == appliance.id,
            Approval.generation == appliance.generation,
            Approval.approved_at.is_(None),
        )
        .order_by(Approval.id)
    ).all()


# An appliance that a cloud was found for meanwhile, or that is to be deleted, waits no more.
_WAITING = (
    select(Approval.appliance_id, Approval.terms)
    .join(Appliance, Appliance.id == Approval.appliance_id)
    .where(
        Appliance.state == "requested",
        Appliance.goal == "running",
        Appliance.provider_id.is_(None),
        Approval.generation == Appliance.generation,
        Approval.approved_at.is_(None),
    )
    .order_by(Approval.id)
)
_WAITING_IN = _WAITING.where(
    Appliance.organisation_id == bindparam("organisation"), text(f"appliances.{PRESENT}")
)
_WAITING_FOR = _WAITING.where(Appliance.id == bindparam("appliance"))


def waiting_in(connection: Connection | Session, organisation_id: int) -> Mapping[int, str]:
    """What an administrator is asked to approve, by appliance of an organisation, in one query."""
    return _terms(connection, _WAITING_IN, {"organisation": organisation_id})


def waiting_for(connection: Connection | Session, appliance_id: int) -> str:
    """What an administrator is asked to approve for an appliance; empty if nothing."""
    rows = _terms(connection, _WAITING_FOR, {"appliance": appliance_id})
    return rows.get(appliance_id, "")


def _terms(
    connection: Connection | Session, query: Any, values: Mapping[str, int]
) -> Mapping[int, str]:
    found: dict[int, list[str]] = {}
    for appliance_id, terms in connection.execute(query, values):
        found.setdefault(appliance_id, []).append(terms)
    return {appliance_id: " or ".join(terms) for appliance_id, terms in found.items()}


def budget_of(session: Session, organisation_id: int) -> Budget | None:
    """An organisation's budget, if it has one."""
    query = select(Budget).where(Budget.organisation_id == organisation_id)
    return session.scalars(query).one_or_none()
