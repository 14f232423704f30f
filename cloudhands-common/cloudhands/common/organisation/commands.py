"""What an operator may do with organisations."""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cloudhands.common import history, permissions
from cloudhands.common.actor.queries import roles_of
from cloudhands.common.actor.tables import Actor
from cloudhands.common.errors import Conflict, LimitReached
from cloudhands.common.forms import Form, Label, Slug
from cloudhands.common.organisation.tables import Organisation


class NewOrganisation(Form):
    """An organisation: its name in addresses, its title for people, its limit."""

    name: Slug
    title: Label
    appliance_limit: Annotated[int, Field(ge=0, le=100_000)] = 20


def create(session: Session, actor: Actor, wanted: NewOrganisation, now: datetime) -> Organisation:
    """Make an organisation.

    :raises Conflict: if the name is taken.
    """
    permissions.require("organisation.create", roles_of(actor))
    if session.scalar(select(Organisation.id).where(Organisation.name == wanted.name)):
        raise Conflict(f"There is an organisation {wanted.name} already.")
    organisation = Organisation(**wanted.model_dump(), created_at=now, version=0, appliances=0)
    session.add(organisation)
    history.record(session, organisation, actor, "made at the command line", now)
    return organisation


def reserve_appliance(session: Session, organisation: Organisation) -> None:
    """Take one appliance of the limit, by one conditional update, whoever else tries.

    :raises LimitReached: if it is used up.
    """
    taken = session.execute(
        update(Organisation)
        .where(
            Organisation.id == organisation.id,
            Organisation.appliances < Organisation.appliance_limit,
        )
        .values(appliances=Organisation.appliances + 1)
        .returning(Organisation.id)
    ).one_or_none()
    if taken is None:
        raise LimitReached(
            f"{organisation.title} has used up its limit of {organisation.appliance_limit} "
            "appliances. Delete one, or ask for a higher limit."
        )


def give_back_appliance(session: Session, organisation_id: int) -> None:
    """Give one appliance of the limit back, once it is confirmed gone."""
    session.execute(
        update(Organisation)
        .where(Organisation.id == organisation_id)
        .values(appliances=Organisation.appliances - 1)
    )
