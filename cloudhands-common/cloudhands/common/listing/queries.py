"""What can be read of listings."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from cloudhands.common.listing.tables import ProviderListing


def by_provider(session: Session) -> Mapping[str, ProviderListing]:
    """What the last listing of each provider told, by the provider's name."""
    query = select(ProviderListing).options(joinedload(ProviderListing.provider, innerjoin=True))
    return {row.provider.name: row for row in session.scalars(query)}
