"""What people agree on about placement: an organisation's terms, and leave to use a public cloud.

Whoever locks several rows, here and elsewhere, does it in this order, so that nobody waits for each
other: a provider, appliances, the budget, subscriptions, the organisation, a provider's listing. A
claim's own row comes where it stands in this order, and not first because it is claimed.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from cloudhands.common import history, permissions, work
from cloudhands.common.actor.queries import roles_of
from cloudhands.common.actor.tables import Actor
from cloudhands.common.appliance.queries import roles_towards
from cloudhands.common.appliance.tables import PRESENT, Appliance
from cloudhands.common.errors import Conflict
from cloudhands.common.forms import Form, Label
from cloudhands.common.limits import MOST
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.placement.queries import open_approvals, waiting_for
from cloudhands.common.placement.tables import Budget
from cloudhands.common.provider.commands import Overflow
from cloudhands.common.provider.queries import subscriptions_of


class Terms(Form):
    """Terms to agree on; what is not named stays as it is.

    `overflow` is the consent to public clouds. `budget` is in whole units of the currency, for a
    calendar month; None for no budget. `locations` are where data may lie; empty for anywhere.
    """

    overflow: Overflow = "never"
    budget: Annotated[int | None, Field(ge=0, le=MOST)] = None
    locations: tuple[Label, ...] = ()


def set_terms(
    session: Session,
    actor: Actor,
    organisation: Organisation,
    wanted: Terms,
    now: datetime,
    *,
    provider: str = "",
) -> None:
    """Agree on other terms with an organisation, and have what waits for a cloud look again.

    :param organisation: not locked by the caller: see above.
    :param provider: the only one that the consent is for; empty for all.
    """
    permissions.require("organisation.set-terms", roles_of(actor))
    for appliance in _without_cloud(session, organisation.id):
        work.wake(session, appliance, now)
    named, changes = wanted.model_fields_set, []
    if "budget" in named:
        changes.append(_set_budget(session, organisation, wanted.budget, now))
    if "overflow" in named:
        _set_overflow(session, actor, organisation, wanted.overflow, provider, now)
    if "locations" in named:
        changes.append(_set_locations(organisation, wanted.locations))
    if told := "; ".join(change for change in changes if change):
        history.record(session, organisation, actor, f"terms: {told}", now)


def _without_cloud(session: Session, organisation_id: int) -> Sequence[Appliance]:
    """The appliances that wait for a cloud, locked."""
    return session.scalars(
        select(Appliance)
        .where(
            Appliance.organisation_id == organisation_id,
            text(f"appliances.{PRESENT}"),
            Appliance.state == "requested",
            Appliance.provider_id.is_(None),
        )
        .order_by(Appliance.id)
        .with_for_update()
    ).all()


def _set_budget(
    session: Session, organisation: Organisation, amount: int | None, now: datetime
) -> str:
    query = select(Budget).where(Budget.organisation_id == organisation.id).with_for_update()
    budget = session.scalars(query).one_or_none()
    before = budget.amount if budget else None
    if before == amount:
        return ""
    if budget is None:
        budget = Budget(organisation_id=organisation.id, created_at=now, spent_cents=0)
        session.add(budget)
    if amount is None:
        session.delete(budget)
    else:
        budget.amount = amount
        session.flush()  # it is numbered before it is due
        work.wake(session, budget, now)
    session.flush()
    return f"budget {_amount(amount)} instead of {_amount(before)}"


def _amount(amount: int | None) -> str:
    return "none" if amount is None else f"{amount:,} a month"


def _set_overflow(
    session: Session,
    actor: Actor,
    organisation: Organisation,
    overflow: Overflow,
    provider: str,
    now: datetime,
) -> None:
    found = subscriptions_of(session, organisation.id)
    # In the order in which others lock them.
    for subscription in sorted(found, key=lambda one: one.id):
        before, named = subscription.overflow, subscription.provider.name
        if before == overflow or (provider and named != provider):
            continue
        subscription.overflow = overflow
        state, why = subscription.state, f"overflow: {overflow} instead of {before}"
        history.record(session, subscription, actor, why, now, from_state=state, to_state=state)


def _set_locations(organisation: Organisation, locations: Sequence[str]) -> str:
    before, after = organisation.locations, sorted(set(locations))
    if before == after:
        return ""
    organisation.locations = after
    return f"data in {_where(after)} instead of {_where(before)}"


def _where(locations: Sequence[Any]) -> str:
    return " or ".join(locations) or "any place"


def approve(session: Session, actor: Actor, appliance: Appliance, now: datetime) -> None:
    """Let an appliance use the public cloud that it waits for, for this try.

    :param appliance: locked by the caller.
    :raises Conflict: if it waits for no approval.
    """
    permissions.require("appliance.approve", roles_towards(session, actor, appliance))
    if not (terms := waiting_for(session, appliance.id)):
        raise Conflict(f"{appliance.label} does not wait for an approval.")
    for approval in open_approvals(session, appliance):
        approval.approved_at = now
    appliance.problem = ""
    state, why = appliance.state, f"approved the use of {terms}"
    history.record(session, appliance, actor, why, now, from_state=state, to_state=state)
    work.wake(session, appliance, now)
