"""What can be read of providers and subscriptions."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from cloudhands.common.provider.tables import Provider, Subscription


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


def subscriptions_of(session: Session, organisation_id: int) -> Sequence[Subscription]:
    """An organisation's subscriptions with their providers, in the order of priority."""
    return session.scalars(
        select(Subscription)
        .where(Subscription.organisation_id == organisation_id)
        .options(joinedload(Subscription.provider))
        .order_by(Subscription.priority, Subscription.id)
    ).all()
