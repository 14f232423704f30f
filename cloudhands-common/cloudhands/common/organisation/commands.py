"""What an operator may do with organisations."""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.common import history, limits, permissions
from cloudhands.common.actor.queries import roles_of
from cloudhands.common.actor.tables import Actor
from cloudhands.common.errors import Conflict
from cloudhands.common.forms import Form, Label, Slug
from cloudhands.common.limits import Limits
from cloudhands.common.organisation.tables import Organisation


class NewOrganisation(Form):
    """An organisation: its name in addresses, its title for people, its limit."""

    name: Slug
    title: Label
    appliances_limit: Annotated[int, Field(ge=0, le=100_000)] = 20


def create(session: Session, actor: Actor, wanted: NewOrganisation, now: datetime) -> Organisation:
    """Make an organisation.

    :raises Conflict: if the name is taken.
    """
    permissions.require("organisation.create", roles_of(actor))
    if session.scalar(select(Organisation.id).where(Organisation.name == wanted.name)):
        raise Conflict(f"There is an organisation {wanted.name} already.")
    organisation = Organisation(**wanted.model_dump(), created_at=now, version=0)
    session.add(organisation)
    history.record(session, organisation, actor, "made at the command line", now)
    return organisation


def set_limits(
    session: Session, actor: Actor, organisation: Organisation, wanted: Limits, now: datetime
) -> None:
    """Agree on other limits; one below what is in use stops new requests only.

    :param organisation: locked by the caller.
    """
    permissions.require("organisation.set-limits", roles_of(actor))
    if changes := limits.set_limits(organisation, wanted):
        history.record(session, organisation, actor, f"limits: {changes}", now)
