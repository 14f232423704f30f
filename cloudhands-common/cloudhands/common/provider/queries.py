"""What can be read of providers and subscriptions."""

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, joinedload

from cloudhands.common.provider.tables import Provider, Subscription


def providers(session: Session) -> Sequence[Provider]:
    """Every provider that something has happened to, by name."""
    return session.scalars(select(Provider).order_by(Provider.name)).all()


def by_name(session: Session, name: str, *, lock: bool = False) -> Provider | None:
    """The provider of that name, if anything has happened to it.

    :param lock: hold it against other writers until the transaction ends; nodes and addresses may
        be written there meanwhile: who writes them holds an appliance that we may come to want.
    """
    query = select(Provider).where(Provider.name == name)
    locked = query.with_for_update(key_share=True)
    return session.scalars(locked if lock else query).one_or_none()


def paused(session: Session) -> Mapping[str, str]:
    """The providers that are paused, and why, by name."""
    query = select(Provider.name, Provider.problem).where(Provider.state == "paused")
    return {row.name: row.problem for row in session.execute(query)}


def subscription(
    session: Session, organisation_id: int, provider_id: int, *, lock: bool = False
) -> Subscription:
    """An organisation's subscription to a provider.

    :param lock: hold it against other writers until the transaction ends.
    """
    query = select(Subscription).where(
        Subscription.organisation_id == organisation_id, Subscription.provider_id == provider_id
    )
    if lock:
        query = query.with_for_update()
    return session.scalars(query).one()


def subscription_to(
    session: Session, organisation_id: int, provider: str, *, lock: bool = False
) -> Subscription | None:
    """An organisation's subscription to the provider of that name.

    :param lock: hold it against other writers until the transaction ends.
    """
    query = (
        select(Subscription)
        .join(Provider, Provider.id == Subscription.provider_id)
        .where(Subscription.organisation_id == organisation_id, Provider.name == provider)
    )
    return session.scalars(query.with_for_update(of=Subscription) if lock else query).one_or_none()


# Made once: it is asked for with every launch.
_OF_ORGANISATION = (
    select(Subscription)
    .where(Subscription.organisation_id == bindparam("organisation"))
    .options(joinedload(Subscription.provider, innerjoin=True))
    .order_by(Subscription.priority, Subscription.id)
)


def subscriptions_of(session: Session, organisation_id: int) -> Sequence[Subscription]:
    """An organisation's subscriptions with their providers, in the order of priority."""
    return session.scalars(_OF_ORGANISATION, {"organisation": organisation_id}).all()
