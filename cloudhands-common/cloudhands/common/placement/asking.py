"""Asks an organisation's administrators to approve a public cloud: once for each try, by mail."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from cloudhands.common.actor.tables import User
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.db import inserting
from cloudhands.common.mail.commands import post
from cloudhands.common.membership.tables import Membership
from cloudhands.common.placement.tables import Approval
from cloudhands.common.placement.values import Verdict
from cloudhands.common.provider.tables import Provider

WANTED = "approval-wanted"
"""The mail's template; its values are those of `_values`."""


def ask(session: Session, appliance: Appliance, verdict: Verdict, now: datetime) -> None:
    """Have an administrator asked, unless that was done for this try and provider.

    :param appliance: held by the caller.
    :param verdict: `Choice.asking`.
    """
    provider = select(Provider.id).where(Provider.name == verdict.candidate.provider)
    made = session.scalars(
        inserting(session, Approval)
        .values(
            appliance_id=appliance.id,
            generation=appliance.generation,
            provider_id=provider.scalar_subquery(),
            terms=verdict.asks,
            asked_at=now,
        )
        .on_conflict_do_nothing(
            index_elements=[Approval.appliance_id, Approval.generation, Approval.provider_id]
        )
        .returning(Approval.id)
    ).one_or_none()
    if made is None:
        return
    event = f"{WANTED}:{appliance.uuid}:{appliance.generation}:{verdict.candidate.provider}"
    for one in _administrators(session, appliance.organisation_id):
        values = _values(appliance, verdict)
        post(session, one.mail, WANTED, values, now, f"{event}:{one.uuid}")


def _administrators(session: Session, organisation_id: int) -> Sequence[Row[str, UUID]]:
    """The mail address and the membership's uuid of each who has an address."""
    return session.execute(
        select(User.mail, Membership.uuid)
        .join(Membership, Membership.user_id == User.id)
        .where(
            Membership.organisation_id == organisation_id,
            Membership.role == "admin",
            Membership.state == "active",
            User.mail != "",
        )
        .order_by(Membership.id)
    ).all()


def _values(appliance: Appliance, verdict: Verdict) -> dict[str, Any]:
    return {
        "appliance": str(appliance.uuid),
        "label": appliance.label,
        "item": appliance.definition["title"],
        "size": appliance.size,
        "owner": appliance.owner.name,
        "organisation": appliance.organisation.title,
        "terms": verdict.asks,
    }
