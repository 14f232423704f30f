"""What can be read of appliances, in a fixed number of queries."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from cloudhands.common.actor.tables import Actor
from cloudhands.common.address.tables import HeldAddress
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.membership.queries import roles_in
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.permissions import MEMBERS, Role

_SHOWN = (
    joinedload(Appliance.organisation),
    joinedload(Appliance.owner),
    joinedload(Appliance.provider),
)


def by_uuid(session: Session, uuid: UUID, *, lock: bool = False) -> Appliance | None:
    """The appliance with that public id and what is shown with it.

    :param lock: hold it against other writers until the transaction ends.
    """
    query = select(Appliance).where(Appliance.uuid == uuid)
    if lock:
        query = query.with_for_update()
    else:
        query = query.options(*_SHOWN)
    return session.scalars(query).one_or_none()


def of_organisation(session: Session, organisation: Organisation) -> Sequence[Appliance]:
    """The appliances that are not deleted, the newest first, in one query."""
    return session.scalars(
        select(Appliance)
        .where(Appliance.organisation_id == organisation.id, Appliance.state != "deleted")
        .options(*_SHOWN)
        .order_by(Appliance.id.desc())
    ).all()


def addresses_of(session: Session, appliances: Sequence[Appliance]) -> Mapping[int, Sequence[str]]:
    """The addresses held now, by appliance id, in one query."""
    found: dict[int, list[str]] = {appliance.id: [] for appliance in appliances}
    rows = session.execute(
        select(Node.appliance_id, HeldAddress.address)
        .join(HeldAddress, HeldAddress.node_id == Node.id)
        .where(Node.appliance_id.in_(found), HeldAddress.released_at.is_(None))
        .order_by(HeldAddress.id)
    )
    for appliance_id, address in rows:
        found[appliance_id].append(address)
    return found


def living_node(session: Session, appliance: Appliance) -> Node | None:
    """The node that runs an appliance, or is being made or deleted for it."""
    return session.scalars(
        select(Node)
        .where(Node.appliance_id == appliance.id, Node.ended_at.is_(None))
        .options(joinedload(Node.provider))
    ).one_or_none()


def roles_towards(session: Session, actor: Actor | None, appliance: Appliance) -> frozenset[Role]:
    """What somebody is towards an appliance; its owner is one only while still a member."""
    roles = roles_in(session, actor, appliance.organisation)
    owns = actor is not None and appliance.owner_id == actor.id and not roles.isdisjoint(MEMBERS)
    return roles | {Role.OWNER} if owns else roles
