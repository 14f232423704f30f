"""What can be read of appliances, in a fixed number of queries."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, and_, bindparam, func, select, text
from sqlalchemy.orm import Session, joinedload

from cloudhands.common.actor.tables import Actor
from cloudhands.common.address.tables import HeldAddress
from cloudhands.common.appliance.tables import PRESENT, Appliance, Node
from cloudhands.common.membership.queries import roles_in
from cloudhands.common.membership.tables import Membership
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.permissions import MEMBERS, Role
from cloudhands.common.provider.tables import Provider
from cloudhands.common.seen import RENAMES, Seen, Version, revision

_PRESENT = text(f"appliances.{PRESENT}")
_SHOWN = (
    # Inner: of an outer join with two tables SQLite reads every actor.
    joinedload(Appliance.organisation, innerjoin=True),
    joinedload(Appliance.owner, innerjoin=True),
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


def by_id(session: Session, id_: int) -> Appliance:
    """The appliance of that row and what is shown with it."""
    return session.get_one(Appliance, id_, options=_SHOWN)


class Listed(NamedTuple):
    """An appliance as one of a list; `provider` and `owner` are names."""

    id: int
    uuid: UUID
    label: str
    size: str
    goal: str
    state: str
    problem: str
    created_at: datetime
    provider: str | None
    owner: str
    moving: bool
    setup: str


_LISTED = (
    select(
        Appliance.id,
        Appliance.uuid,
        Appliance.label,
        Appliance.size,
        Appliance.goal,
        Appliance.state,
        Appliance.problem,
        Appliance.created_at,
        Provider.name,
        Actor.name,
        Appliance.due_at.is_not(None),
        Appliance.setup,
    )
    .join(Actor, Actor.id == Appliance.owner_id)
    .outerjoin(Provider, Provider.id == Appliance.provider_id)
    .where(Appliance.organisation_id == bindparam("organisation"), _PRESENT)
    .order_by(Appliance.id.desc())
)


def listed(connection: Connection | Session, organisation_id: int) -> Sequence[Listed]:
    """An organisation's appliances that are not deleted, the newest first, in one query."""
    rows = connection.execute(_LISTED, {"organisation": organisation_id})
    return [Listed._make(row) for row in rows.all()]


_HELD = (
    select(Node.appliance_id, HeldAddress.address)
    .join(HeldAddress, HeldAddress.node_id == Node.id)
    .where(HeldAddress.released_at.is_(None), Node.abandoned_at.is_(None))
    .order_by(HeldAddress.id)
)
_HELD_BY_APPLIANCE = _HELD.where(Node.appliance_id == bindparam("appliance"))
_HELD_IN_ORGANISATION = _HELD.join(Appliance, Appliance.id == Node.appliance_id).where(
    Appliance.organisation_id == bindparam("organisation"), _PRESENT
)


def addresses_of(connection: Connection | Session, appliance_id: int) -> Sequence[str]:
    """The addresses that an appliance holds now, in one query."""
    rows = connection.execute(_HELD_BY_APPLIANCE, {"appliance": appliance_id})
    return [address for _, address in rows.all()]


def addresses_in(
    connection: Connection | Session, organisation_id: int
) -> Mapping[int, Sequence[str]]:
    """The addresses that an organisation's appliances hold now, by appliance, in one query."""
    found: dict[int, list[str]] = {}
    rows = connection.execute(_HELD_IN_ORGANISATION, {"organisation": organisation_id})
    for appliance_id, address in rows.all():
        found.setdefault(appliance_id, []).append(address)
    return found


# Made once: cloud-burst asks for it with every launch. Its provider is read by whoever needs it.
_LIVING = select(Node).where(
    Node.appliance_id == bindparam("appliance"),
    Node.ended_at.is_(None),
    Node.abandoned_at.is_(None),
)


def living_node(session: Session, appliance: Appliance) -> Node | None:
    """The node that runs an appliance, or is being made or deleted for it."""
    return session.scalars(_LIVING, {"appliance": appliance.id}).one_or_none()


def roles_towards(session: Session, actor: Actor | None, appliance: Appliance) -> frozenset[Role]:
    """What somebody is towards an appliance; its owner is one only while still a member."""
    roles = roles_in(session, actor, appliance.organisation)
    return _with_owner(roles, actor is not None and appliance.owner_id == actor.id)


def _with_owner(roles: frozenset[Role], launched: bool) -> frozenset[Role]:
    return roles | {Role.OWNER} if launched and not roles.isdisjoint(MEMBERS) else roles


_SEEN = (
    select(
        Appliance.id,
        Appliance.version,
        Appliance.wanted_version,
        Appliance.due_at.is_not(None),
        Appliance.owner_id == bindparam("viewer"),
        Organisation.version,
        Provider.version,
        RENAMES,
        # Nobody changes that: it comes with time (`setup.silence`).
        and_(Appliance.setup == "booting", Appliance.setup_at <= bindparam("silent_since")),
        Membership.role,
    )
    .join(Organisation, Organisation.id == Appliance.organisation_id)
    .outerjoin(Provider, Provider.id == Appliance.provider_id)
    .outerjoin(
        Membership,
        and_(
            Membership.organisation_id == Appliance.organisation_id,
            Membership.user_id == bindparam("viewer"),
            Membership.state == "active",
        ),
    )
    .where(Appliance.uuid == bindparam("uuid"))
)


def seen(connection: Connection, viewer_id: int, uuid: UUID, silent_since: datetime) -> Seen | None:
    """The appliance with that public id as a user sees it.

    :param silent_since: see `setup.silence`.
    """
    values = {"viewer": viewer_id, "uuid": uuid, "silent_since": silent_since}
    row = connection.execute(_SEEN, values).one_or_none()
    if row is None:
        return None
    id_, version, wanted, due, launched, organisation, provider, renames, silent, role = row
    roles = frozenset({Role.PERSON, Role(role)} if role else {Role.PERSON})
    versions = (version, wanted, due, organisation, provider or 0, renames, bool(silent))
    return Seen(id_, _with_owner(roles, launched), versions, wanted)


_OF_ORGANISATION = revision(
    Appliance,
    Appliance.organisation_id == bindparam("organisation"),
    _PRESENT,
).add_columns(func.count(Appliance.due_at), func.coalesce(func.sum(Appliance.wanted_version), 0))


def seen_of_organisation(connection: Connection, organisation_id: int) -> tuple[Version, ...]:
    """The versions of an organisation's appliances that are not deleted."""
    return tuple(connection.execute(_OF_ORGANISATION, {"organisation": organisation_id}).one())
