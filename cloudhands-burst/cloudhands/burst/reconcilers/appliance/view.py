"""An appliance as the database has it: read in one short transaction, used without one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, bindparam, select

from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.cloud import Identity, ServerSpec
from cloudhands.common.provider.tables import Provider


@dataclass(frozen=True)
class NodeView:
    """The living node: a server that was asked for, or is about to be.

    :param provider: the provider's name in the settings.
    :param server_id: the cloud's id, None until the cloud has told it.
    :param asked_at: when the cloud was last asked for it, None if it never was, or has refused.
    :param ending: whether the cloud has taken a call to delete it.
    :param given_up: whether it could not be built, so that another shall take its place.
    """

    generation: int
    provider: str
    server_id: str | None
    asked_at: datetime | None = None
    ending: bool = False
    given_up: bool = False

    @property
    def unasked(self) -> bool:
        """Whether nothing of it can be at the cloud."""
        return self.server_id is None and self.asked_at is None


@dataclass(frozen=True)
class View:
    """What is wanted and what was last seen of one appliance.

    :param seen_generation: the generation that `state` tells of.
    :param seen_size: the size that its server has, None if it has none.
    :param reboot_wanted: whether a reboot was asked for that the cloud was not.
    :param attempt: how many times in a row something has failed.
    """

    uuid: UUID
    goal: str
    state: str
    generation: int
    seen_generation: int
    size: str
    definition: Mapping[str, Any]
    authorized_keys: Sequence[str]
    node: NodeView | None
    seen_size: str | None = None
    reboot_wanted: bool = False
    attempt: int = 0

    @property
    def living(self) -> NodeView:
        """The node, where there must be one."""
        assert self.node is not None, "viewed without a node"
        return self.node

    @property
    def to_be_retried(self) -> bool:
        """Whether a person wants another try of what has failed."""
        asked = self.goal != "deleted" and self.generation != self.seen_generation
        return self.state == "failed" and asked

    @property
    def ending(self) -> bool:
        """Whether its node has to go: it shall be deleted, or the node is of a try that is over."""
        if self.node is None:
            return False
        over = self.node.given_up or self.node.generation != self.generation
        return self.goal == "deleted" or over

    @property
    def to_be_looked_at(self) -> bool:
        """Whether what the cloud says matters; a retry begins whatever it says."""
        return self.node is not None and not self.to_be_retried

    @property
    def building(self) -> bool:
        """Whether its server was asked for and has not been seen to run yet."""
        return self.state == "provisioning"

    @property
    def unasked(self) -> bool:
        """Whether it has a place at a cloud that was not asked for anything yet."""
        node = self.node
        return self.state == "requested" and node is not None and node.unasked

    @property
    def to_be_resized(self) -> bool:
        """Whether its server has another size than it shall have."""
        return self.seen_size not in (None, self.size)

    @property
    def wants_address(self) -> bool:
        """Whether it shall be reached from outside."""
        return bool(self.definition.get("external_address"))

    @property
    def cloud_size(self) -> str:
        """The size that it shall have, as the cloud where it is calls it."""
        return self._size_at(self.node.provider) if self.node else ""

    def other_size(self, cloud_size: str) -> str:
        """Which of the item's sizes a server has, if it is not the one that it was last seen with.

        :param cloud_size: as the cloud calls it; empty where it does not tell.
        """
        if self.node is None or self.seen_size is None or cloud_size in ("", self.cloud_size):
            return ""
        sizes, provider = self.definition["sizes"], self.node.provider
        return next((n for n, size in sizes.items() if size["on"].get(provider) == cloud_size), "")

    def _size_at(self, provider: str) -> str:
        name: str = self.definition["sizes"][self.size]["on"][provider]
        return name

    def keeps(self, node: NodeView, server_id: str) -> bool:
        """Whether a server that was just made for a node is this appliance's, or may become so.

        :param node: as it was when the server was asked for.
        """
        now = self.node
        if now is None or self.ending:
            return False
        same = (now.provider, now.generation) == (node.provider, node.generation)
        return same and now.server_id in (None, server_id)

    def identity(self, installation: str) -> Identity:
        """What the node's server bears."""
        generation = self.node.generation if self.node else self.generation
        return Identity(installation, str(self.uuid), generation)

    def spec(self, identity: Identity, provider: str, user_data: str) -> ServerSpec:
        """What to ask a provider for."""
        return ServerSpec(
            identity=identity,
            name=name_of(identity),
            image=self.definition["images"][provider],
            size=self._size_at(provider),
            authorized_keys=tuple(self.authorized_keys),
            user_data=user_data,
            external_address=self.definition["external_address"],
        )


def name_of(identity: Identity) -> str:
    """A server's name; within the 63 characters of a host name up to the 99,999th try."""
    return f"ch-{identity.installation[:8]}-{identity.appliance}-{identity.generation}"


# Made once: it is asked for whenever an appliance is taken in hand.
_READ = (
    select(
        Appliance.id,
        Appliance.uuid,
        Appliance.goal,
        Appliance.state,
        Appliance.generation,
        Appliance.seen_generation,
        Appliance.size,
        Appliance.definition,
        Appliance.authorized_keys,
        Appliance.seen_size,
        Appliance.reboots_wanted,
        Appliance.reboots_done,
        Appliance.attempt,
        Node.id.label("node_id"),
        Node.generation.label("node_generation"),
        Provider.name.label("provider"),
        Node.server_id,
        Node.asked_at,
        Node.ending_at,
        Node.failure,
    )
    .outerjoin(
        Node,
        and_(
            Node.appliance_id == Appliance.id,
            Node.ended_at.is_(None),
            Node.abandoned_at.is_(None),
        ),
    )
    .outerjoin(Provider, Provider.id == Node.provider_id)
    .where(Appliance.id.in_(bindparam("appliances", expanding=True)))
)


def read(connection: Connection, appliance_ids: Sequence[int]) -> Mapping[int, View]:
    """Several appliances and their living nodes by the appliances' rows, in one query."""
    rows = connection.execute(_READ, {"appliances": appliance_ids})
    return {row.id: view_of(row, _node_of(row)) for row in rows}


def _node_of(row: Any) -> NodeView | None:
    if row.node_id is None:
        return None
    return NodeView(
        generation=row.node_generation,
        provider=row.provider,
        server_id=row.server_id,
        asked_at=row.asked_at,
        ending=row.ending_at is not None,
        given_up=bool(row.failure),
    )


def view_of(appliance: Any, node: NodeView | None) -> View:
    """An appliance as it is in an open transaction, and its living node.

    :param appliance: one, or what was read of it.
    """
    return View(
        uuid=appliance.uuid,
        goal=appliance.goal,
        state=appliance.state,
        generation=appliance.generation,
        seen_generation=appliance.seen_generation,
        size=appliance.size,
        definition=appliance.definition,
        authorized_keys=appliance.authorized_keys,
        node=node,
        seen_size=appliance.seen_size,
        reboot_wanted=appliance.reboots_wanted != appliance.reboots_done,
        attempt=appliance.attempt,
    )


def node_of(node: Node) -> NodeView:
    """A node as it is in an open transaction."""
    return NodeView(
        generation=node.generation,
        provider=node.provider.name,
        server_id=node.server_id,
        asked_at=node.asked_at,
        ending=node.ending_at is not None,
        given_up=bool(node.failure),
    )
