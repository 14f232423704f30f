"""Who may sign in to an appliance's machine, and how that machine shows which one it is."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, bindparam, or_, select, text

from cloudhands.common import tokens
from cloudhands.common.account.tables import SshKey
from cloudhands.common.appliance.tables import PRESENT, Appliance
from cloudhands.common.membership.tables import Membership
from cloudhands.common.permissions import PERMISSIONS, Role

PURPOSE = "machine"


def token(secret: bytes, uuid: UUID | str, generation: int) -> str:
    """What the machine of one try of one appliance shows; kept nowhere here.

    :param secret: the server's.
    """
    return tokens.derive(secret, PURPOSE, f"{uuid}:{generation}")


class Machine(NamedTuple):
    """An appliance that is not deleted, as its machine's questions need it."""

    id: int
    organisation_id: int
    owner_id: int
    generation: int


_MACHINE = select(
    Appliance.id, Appliance.organisation_id, Appliance.owner_id, Appliance.generation
).where(Appliance.uuid == bindparam("uuid"), text(f"appliances.{PRESENT}"))


def machine(connection: Connection, secret: bytes, uuid: UUID, shown: str) -> Machine | None:
    """The appliance with that public id, if the token is its machine's.

    The token of an earlier try, of another appliance or of a deleted one is worth nothing.

    :param secret: the server's.
    :param shown: the token, or what is said to be one.
    """
    row = connection.execute(_MACHINE, {"uuid": uuid}).one_or_none()
    if row is None:
        return None
    found = Machine._make(row)
    fits = tokens.matches(shown, secret, PURPOSE, f"{uuid}:{found.generation}")
    return found if fits else None


# How the roles that may let somebody in are found among the memberships of the organisation.
_HELD: Mapping[Role, ColumnElement[bool]] = {
    Role.OWNER: Membership.user_id == bindparam("owner"),
    Role.ADMIN: Membership.role == "admin",
    Role.MEMBER: Membership.role == "member",
}
_MAY: Sequence[Any] = [
    held for role, held in _HELD.items() if role in PERMISSIONS["appliance.sign-in"]
]
_KEYS = (
    select(SshKey.key)
    .join(Membership, Membership.user_id == SshKey.user_id)
    .where(
        Membership.organisation_id == bindparam("organisation"),
        Membership.state == "active",
        or_(*_MAY),
    )
    .order_by(SshKey.id)
)


def keys(connection: Connection, machine: Machine) -> Sequence[str]:
    """The SSH keys of whoever may sign in now, as lines of `authorized_keys`, each once."""
    about = {"organisation": machine.organisation_id, "owner": machine.owner_id}
    return list(dict.fromkeys(connection.scalars(_KEYS, about)))
