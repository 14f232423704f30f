"""Having providers listed."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.common import work
from cloudhands.common.db import known_or_made
from cloudhands.common.listing.tables import ProviderListing
from cloudhands.common.provider.commands import provider


def begin(session: Session, name: str, now: datetime) -> None:
    """Have a provider of the settings listed at once, and again and again from then on.

    Not several in one transaction: nobody holds one listing and waits for another.
    """
    row = _row(session, provider(session, name, now).id, now)
    work.wake_all(session, ProviderListing, now, ProviderListing.id == row.id)


def _row(session: Session, provider_id: int, now: datetime) -> ProviderListing:
    query = select(ProviderListing).where(ProviderListing.provider_id == provider_id)
    return known_or_made(
        session,
        lambda: session.scalars(query).one_or_none(),
        lambda: ProviderListing(provider_id=provider_id, created_at=now, version=0),
    )
