"""What can be read of actors."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.common.actor.tables import Actor, Component, User
from cloudhands.common.mail.addresses import mail_key
from cloudhands.common.permissions import Role

OPERATOR = "cloud-admin"
BURST = "cloud-burst"
PORTAL = "cloud-serve"
MACHINE = "machine"
"""The machine that runs an appliance, whichever it is."""


def roles_of(actor: Actor | None) -> frozenset[Role]:
    """What somebody is, whatever the thing in question."""
    match actor:
        case None:
            return frozenset({Role.ANONYMOUS})
        case Component(component=name) if name == OPERATOR:
            return frozenset({Role.OPERATOR})
        case Component(component=name) if name == BURST:
            return frozenset({Role.BURST})
        case Component(component=name) if name == MACHINE:
            return frozenset({Role.MACHINE})
        case Component():
            return frozenset()
    return frozenset({Role.PERSON})


def user_by_uid(session: Session, uid: str) -> User | None:
    """The user who signs in with that uid."""
    return session.scalars(select(User).where(User.uid == uid)).one_or_none()


def local_user_by_mail(session: Session, mail: str) -> User | None:
    """The local user with that mail address, whatever its case."""
    return session.scalars(select(User).where(User.mail_key == mail_key(mail))).one_or_none()
