"""What can be read of pools of addresses."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Integer, cast, func, select
from sqlalchemy.orm import Session

from cloudhands.common.address.tables import Pool, PoolAddress
from cloudhands.common.provider.tables import Provider


def pool_of(session: Session, provider_id: int, network: str) -> Pool | None:
    """The pool of a provider's network."""
    return session.scalars(
        select(Pool).where(Pool.provider_id == provider_id, Pool.network == network)
    ).one_or_none()


class PoolUse(NamedTuple):
    """How many addresses of a pool are free, and how many are held; `provider` is its name."""

    provider: str
    network: str
    free: int
    held: int


_FREE = func.coalesce(func.sum(cast(PoolAddress.free, Integer)), 0)
_USE = (
    select(Provider.name, Pool.network, _FREE, func.count(PoolAddress.id) - _FREE)
    .join(Provider, Provider.id == Pool.provider_id)
    .outerjoin(PoolAddress, PoolAddress.pool_id == Pool.id)
    .group_by(Provider.name, Pool.network)
    .order_by(Provider.name, Pool.network)
)


def use(connection: Connection | Session, pool: Pool) -> PoolUse:
    """How much of a pool is used."""
    return PoolUse(*connection.execute(_USE.where(Pool.id == pool.id)).one())


def every_use(connection: Connection | Session) -> Sequence[PoolUse]:
    """How much of every pool is used, by provider and network, in one query."""
    return [PoolUse(*row) for row in connection.execute(_USE)]
