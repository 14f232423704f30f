"""Rows that races begin with, under names that no other round has."""

import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from cloudhands.common import history
from cloudhands.common.actor.commands import component
from cloudhands.common.actor.queries import OPERATOR
from cloudhands.common.actor.tables import User
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.catalogue.tables import CatalogueItem
from cloudhands.common.membership.commands import RoleName
from cloudhands.common.membership.tables import Membership
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.provider.tables import Provider, Subscription
from cloudhands.common.testing.factories import ITEM, NOON


def word() -> str:
    """A new name; good for users, organisations and providers."""
    return f"w{secrets.token_hex(5)}"


def _write(session: Session, made: Sequence[Any]) -> None:
    """Write artifacts with the first row of their history, as commands do."""
    session.add_all(made)
    session.flush()
    operator = component(session, OPERATOR, NOON)
    for one in made:
        state = getattr(one, "state", None)
        history.record(session, one, operator, "made for a race", NOON, to_state=state)


def users(session: Session, count: int) -> Sequence[User]:
    """Local users."""
    made = []
    for _ in range(count):
        uid = word()
        made.append(User(uid=uid, name=uid, mail=f"{uid}@example.org", created_at=NOON, version=0))
    _write(session, made)
    return made


def organisation(session: Session) -> Organisation:
    """An organisation without subscriptions, members and limits."""
    name = word()
    made = Organisation(name=name, title=name, created_at=NOON, version=0)
    _write(session, [made])
    return made


def members(
    session: Session, of: Organisation, count: int, role: RoleName = "member"
) -> Sequence[Membership]:
    """Memberships of new users in an organisation."""
    made = [
        Membership(
            organisation_id=of.id,
            user=user,
            role=role,
            state="active",
            created_at=NOON,
            version=0,
        )
        for user in users(session, count)
    ]
    _write(session, made)
    return made


def item(session: Session) -> CatalogueItem:
    """A catalogue item, an appliance of which takes one of everything that can be limited."""
    definition = ITEM.model_dump(mode="json") | {"external_address": True}
    made = CatalogueItem(
        name=word(),
        title="An item",
        summary="",
        definition=definition,
        created_at=NOON,
        version=0,
    )
    _write(session, [made])
    return made


def subscription(session: Session) -> Subscription:
    """A new organisation's use of a new provider, without limits."""
    made = Subscription(
        organisation=organisation(session),
        provider=provider(session),
        priority=1,
        overflow="auto",
        state="active",
        created_at=NOON,
        version=0,
    )
    _write(session, [made])
    return made


def provider(session: Session) -> Provider:
    """A provider."""
    made = Provider(name=word(), created_at=NOON, version=0)
    session.add(made)
    session.flush()
    return made


class Fleet(NamedTuple):
    """Appliances of one organisation with their nodes at one provider, by the ids of the rows."""

    provider: int
    appliances: Sequence[int]
    nodes: Sequence[int]


def appliances(session: Session, count: int) -> Sequence[Appliance]:
    """Appliances of one new organisation, for which no server was made yet."""
    owner, of = users(session, 1)[0], organisation(session)
    made = [
        Appliance(
            organisation_id=of.id,
            owner_id=owner.id,
            label=f"appliance {number}",
            size="small",
            definition=ITEM.model_dump(mode="json"),
            authorized_keys=[],
            goal="running",
            state="requested",
            created_at=NOON,
            version=0,
        )
        for number in range(count)
    ]
    _write(session, made)
    return made


def node(appliance: int, provider: int, generation: int = 1) -> Node:
    """A node as cloud-burst writes it down before it asks for a server."""
    return Node(appliance_id=appliance, generation=generation, provider_id=provider, made_at=NOON)


def fleet(session: Session, count: int) -> Fleet:
    """Appliances, each with a living node."""
    at = provider(session).id
    ids = [appliance.id for appliance in appliances(session, count)]
    nodes = [node(id_, at) for id_ in ids]
    session.add_all(nodes)
    session.flush()
    return Fleet(at, ids, [made.id for made in nodes])
