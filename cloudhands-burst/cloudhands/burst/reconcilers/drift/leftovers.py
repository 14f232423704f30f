"""Deletes what is at a cloud and bears an identity whose node has ended.

A server may come to be seen, or be made, after everything of it was found gone. The appliance is
seized while it is deleted, and looked at once more: nobody can make a node of the same identity
meanwhile, and find that server for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhands.burst.reconcilers.drift.rows import Origin, origins
from cloudhands.common import work
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.clock import Clock
from cloudhands.common.cloud import Cloud, Gone, Identity, Server
from cloudhands.common.db import Database
from cloudhands.common.work import Claim

log = structlog.get_logger("cloudhands.burst.drift")


@dataclass(frozen=True)
class Leftovers:
    """Removes what is left at one provider.

    :param provider_id: its row.
    :param settle: seconds for which a server that was asked for may still come to be seen.
    :param seconds: how long an appliance is seized; a call of the cloud must take less than half.
    """

    database: Database
    clock: Clock
    cloud: Cloud
    provider: str
    provider_id: int
    settle: float
    seconds: float

    def delete(self, server: Server, *, unknown: bool = False) -> bool:
        """Delete a server, if its identity has ended.

        :param unknown: whether also if nothing is known of it here: a person said so.
        :returns: whether the cloud was asked to, or it is gone already.
        :raises CloudError: whatever the cloud answers but `Gone`.
        """
        with self._kept(server.identity, unknown=unknown) as may:
            if may:
                with suppress(Gone):
                    self.cloud.delete(server.id)
                log.warning("deleted", server=server.id, **self._about(server.identity))
            return may

    def release(self, identity: Identity, *, unknown: bool = False) -> bool:
        """Give back the addresses that were taken for an identity, if it has ended.

        :param unknown: see `delete`.
        :returns: whether the cloud has done so.
        :raises CloudError: whatever the cloud answers.
        """
        with self._kept(identity, unknown=unknown) as may:
            if may:
                self.cloud.release(identity)
                log.warning("released", **self._about(identity))
            return may

    def _about(self, identity: Identity) -> dict[str, object]:
        of = {"appliance": identity.appliance, "generation": identity.generation}
        return {"provider": self.provider, **of}

    @contextmanager
    def _kept(self, identity: Identity, *, unknown: bool) -> Iterator[bool]:
        """Whether it may go, which stays so within the block."""
        with self.database.writing() as session:
            origin, seized = self._seized(session, identity)
        try:
            yield origin is Origin.ENDED or (unknown and origin is Origin.UNKNOWN)
        finally:
            if seized:
                with self.database.writing() as session:
                    work.leave(session, seized)

    def _seized(self, session: Session, identity: Identity) -> tuple[Origin | None, Claim | None]:
        now = self.clock()
        with suppress(ValueError):
            uuid = UUID(identity.appliance)
            id_ = session.scalar(select(Appliance.id).where(Appliance.uuid == uuid))
            if id_ is not None:
                seized = work.seize(session, Appliance, id_, now, self.seconds)
                if seized is None:
                    return None, None  # in somebody's hand: at the next listing
                return self._origin(session, identity), seized
        return Origin.UNKNOWN, None

    def _origin(self, session: Session, identity: Identity) -> Origin:
        settled = self.clock() - timedelta(seconds=self.settle)
        return origins(session, self.provider_id, [identity], settled)[identity]
