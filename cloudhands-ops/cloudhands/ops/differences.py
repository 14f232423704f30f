"""What differs between a cloud and the database, and what would mend it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from cloudhands.burst.context import Context
from cloudhands.burst.reconcilers.drift.compare import Findings, Known, compare
from cloudhands.burst.reconcilers.drift.leftovers import Leftovers
from cloudhands.burst.reconcilers.drift.rows import Origin, known, origins
from cloudhands.common import work
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.cloud import Cloud, Gone, Identity, Listing, Server
from cloudhands.common.provider.commands import provider as provider_row

KINDS = {
    "ended": "delete what is left of nodes that have ended",
    "unknown": "DELETE what bears our installation's id and nothing here knows",
    "held": "give back the addresses that are left over",
    "lost": "have cloud-burst look at the appliances whose servers are gone",
    "differs": "have cloud-burst look at the appliances whose servers differ",
    "abandoned": "",
}
"""Each kind of difference, and what mends it; nothing here mends what is abandoned."""


@dataclass(frozen=True)
class Difference:
    """One thing that differs.

    :param kind: one of `KINDS`.
    :param remedy: what would mend it, as a person would say it.
    :param mend: does that; answers whether it is mended. None if this cannot.
    """

    kind: str
    provider: str
    what: str
    remedy: str
    mend: Callable[[], bool] | None = None


class Differences:
    """Looks for them at one provider.

    :param context: with the clouds as they are, so that also one that is paused can be looked at.
    :raises CloudError: in every method, whatever the cloud answers.
    """

    def __init__(self, context: Context, provider: str) -> None:
        self._context = context
        self._provider = provider
        self._settle = context.settle(provider)
        with context.database.writing() as session:
            self._provider_id = provider_row(session, provider, context.clock()).id

    @property
    def _cloud(self) -> Cloud:
        return self._context.cloud(self._provider)

    def found(self) -> Iterator[Difference]:
        """Every one, each kind together."""
        listing = self._cloud.listed(self._context.installation)
        now = self._context.clock()
        with self._context.database.reading() as session:
            nodes = known(session, self._provider_id, self._provider, self._settle, now)
            found = compare(nodes, listing, share=1)
            strange = {server.identity for server in found.strangers} | {*found.strange_held}
            settled = now - timedelta(seconds=self._settle)
            told = origins(session, self._provider_id, strange, settled)
        yield from self._strangers(found, told)
        yield from self._held(found, told)
        yield from self._lost(nodes, listing)
        for node, how in found.differing:
            yield self._to_be_looked_at("differs", node, how)
        yield from self._abandoned(found)

    def _strangers(self, found: Findings, told: Mapping[Identity, Origin]) -> Iterator[Difference]:
        for kind, origin in (("ended", Origin.ENDED), ("unknown", Origin.UNKNOWN)):
            for server in found.strangers:
                if told[server.identity] is origin:
                    yield self._to_be_deleted(kind, server)

    def _to_be_deleted(self, kind: str, server: Server) -> Difference:
        unknown = kind == "unknown"
        whose = "which nothing here knows" if unknown else "which has ended here"
        return Difference(
            kind,
            self._provider,
            f"server {server.id} ({server.state}) of {_name(server.identity)}, {whose}",
            "delete it at the cloud",
            partial(self._leftovers.delete, server, unknown=unknown),
        )

    def _held(self, found: Findings, told: Mapping[Identity, Origin]) -> Iterator[Difference]:
        for identity in found.strange_held:
            if told[identity] not in (Origin.ENDED, Origin.UNKNOWN):
                continue
            unknown = told[identity] is Origin.UNKNOWN
            yield Difference(
                "held",
                self._provider,
                f"addresses held for {_name(identity)}, which has no server",
                "give them back to the cloud",
                partial(self._leftovers.release, identity, unknown=unknown),
            )

    def _lost(self, nodes: Sequence[Known], listing: Listing) -> Iterator[Difference]:
        listed = {server.id for server in listing.servers}
        for node in nodes:
            expected = node.server_id and node.settled and not node.abandoned
            if expected and node.server_id not in listed and self._is_gone(node):
                how = f"its server {node.server_id} does not exist any more"
                yield self._to_be_looked_at("lost", node, how)

    def _is_gone(self, node: Known) -> bool:
        """Whether a direct look-up says so: a listing may have holes."""
        with suppress(Gone):
            if node.server_id is not None:
                self._cloud.observe(node.server_id)
                return False
        identity = Identity(self._context.installation, node.appliance, node.generation)
        return not self._cloud.find(identity)

    def _to_be_looked_at(self, kind: str, node: Known, how: str) -> Difference:
        return Difference(
            kind,
            self._provider,
            f"appliance {node.appliance} ({node.state}): {how}",
            "make it due for cloud-burst",
            partial(self._make_due, node),
        )

    def _make_due(self, node: Known) -> bool:
        with self._context.database.writing() as session:
            work.wake_all(
                session, Appliance, self._context.clock(), Appliance.id == node.appliance_id
            )
        return True

    def _abandoned(self, found: Findings) -> Iterator[Difference]:
        for node in (*found.abandoned, *found.gone):
            name = f"abandoned server of appliance {node.appliance}, generation {node.generation}"
            remedy = f"cloud-admin appliance write-off {node.appliance}"
            if node in found.gone and self._is_gone(node):
                yield Difference("abandoned", self._provider, f"{name}: it is gone", remedy)
                continue
            still = f"{name}: it is there still"
            yield Difference("abandoned", self._provider, still, f"{remedy}, and it is deleted")

    @property
    def _leftovers(self) -> Leftovers:
        context = self._context
        return Leftovers(
            context.database,
            context.clock,
            self._cloud,
            self._provider,
            self._provider_id,
            self._settle,
            context.settings.burst.claim,
        )


def _name(identity: Identity) -> str:
    return f"appliance {identity.appliance}, generation {identity.generation}"
