"""What can be read of registrations, and the roles that follow from them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cloudhands.common.actor.queries import roles_of
from cloudhands.common.actor.tables import Actor
from cloudhands.common.mail.addresses import mail_key
from cloudhands.common.membership.queries import roles_in
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.permissions import Role
from cloudhands.common.registration.tables import OPEN, Registration

# Not `in_`: a planner knows a partial index by its words, and these it takes for the same.
_IS_OPEN = or_(*(Registration.state == state for state in OPEN))


def by_uuid(session: Session, uuid: UUID, *, lock: bool = False) -> Registration | None:
    """The registration with that public id.

    :param lock: hold it against other writers until the transaction ends.
    """
    query = select(Registration).where(Registration.uuid == uuid)
    return session.scalars(query.with_for_update() if lock else query).one_or_none()


def open_by_mail(session: Session, mail: str) -> Registration | None:
    """The open registration of a mail address, whatever its case."""
    return session.scalars(
        select(Registration).where(Registration.mail_key == mail_key(mail), _IS_OPEN)
    ).one_or_none()


def open_by_uid(session: Session, uid: str) -> Registration | None:
    """The open registration in which somebody has chosen a uid."""
    return session.scalars(
        select(Registration).where(
            Registration.uid == uid, Registration.state.in_(("detailed", "published"))
        )
    ).one_or_none()


def open_of_organisation(session: Session, organisation: Organisation) -> Sequence[Registration]:
    """The open registrations that lead to an organisation, the oldest first."""
    return session.scalars(
        select(Registration)
        .where(Registration.organisation_id == organisation.id, _IS_OPEN)
        .order_by(Registration.id)
    ).all()


def roles_towards(
    session: Session, actor: Actor | None, registration: Registration
) -> frozenset[Role]:
    """What somebody is towards a registration: what they are in its organisation, if it has one.

    Nobody is `SELF` by signing in: the person has no account yet and shows a link's token.
    """
    if registration.organisation is None:
        return roles_of(actor)
    return roles_in(session, actor, registration.organisation)
