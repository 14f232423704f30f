"""Reads what is known of the servers at one provider, in a fixed number of queries."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import String, cast, select
from sqlalchemy.orm import Session

from cloudhands.burst.reconcilers.drift.compare import Known, Place
from cloudhands.common.address.tables import HeldAddress
from cloudhands.common.appliance.tables import Appliance, Node
from cloudhands.common.cloud import Identity

NONE: frozenset[Place] = frozenset()


class Origin(StrEnum):
    """What is known here of an identity."""

    ENDED = "ended"  # its nodes have ended: what is left of it can go
    SETTLING = "settling"  # the same, but a moment ago: more of it may come to be seen
    LIVING = "living"  # a node of it lives, or is abandoned
    UNKNOWN = "unknown"  # nothing here tells of it, as after a restore


_CAUTION = (Origin.ENDED, Origin.SETTLING, Origin.LIVING)

_NODES = (
    select(
        Appliance.id,
        Appliance.uuid,
        Appliance.state,
        Appliance.seen_size,
        Appliance.due_at.is_(None).label("at_rest"),
        # As text, which most have in common: to make an object of each takes longer than the rest.
        cast(Appliance.definition["sizes"], String).label("sizes"),
        Node.id.label("node_id"),
        Node.generation,
        Node.server_id,
        Node.asked_at,
        Node.abandoned_at.is_not(None).label("abandoned"),
    )
    .join(Appliance, Appliance.id == Node.appliance_id)
    .where(Node.ended_at.is_(None))
)


def known(
    session: Session, provider_id: int, provider: str, settle: float, now: datetime
) -> list[Known]:
    """The nodes at a provider that live or are abandoned.

    :param provider: its name in the settings.
    :param settle: seconds for which a server may be missing after it was asked for.
    """
    held = {allotted: _held(session, provider_id, allotted=allotted) for allotted in (False, True)}
    settled = now - timedelta(seconds=settle)
    names: dict[str, Mapping[str, str]] = {}
    found = []
    for row in session.execute(_NODES.where(Node.provider_id == provider_id)):
        if row.sizes not in names:
            names[row.sizes] = _names(row.sizes, provider)
        there = names[row.sizes]
        found.append(
            Known(
                appliance_id=row.id,
                appliance=str(row.uuid),
                generation=row.generation,
                server_id=row.server_id,
                state=row.state,
                size=there.get(row.seen_size, ""),
                sizes=frozenset(there.values()),
                addresses=held[False].get(row.node_id, NONE),
                allotted=held[True].get(row.node_id, NONE),
                at_rest=row.at_rest,
                settled=row.asked_at is None or row.asked_at <= settled,
                abandoned=row.abandoned,
            )
        )
    return found


def _names(sizes: str, provider: str) -> Mapping[str, str]:
    """What a provider calls the sizes of a catalogue item."""
    return {
        name: about["on"][provider]
        for name, about in json.loads(sizes).items()
        if provider in about["on"]
    }


def _held(session: Session, provider_id: int, *, allotted: bool) -> Mapping[int, frozenset[Place]]:
    found: defaultdict[int, set[Place]] = defaultdict(set)
    rows = session.execute(
        select(HeldAddress.node_id, HeldAddress.network, HeldAddress.address).where(
            HeldAddress.provider_id == provider_id,
            HeldAddress.released_at.is_(None),
            HeldAddress.allotted.is_(allotted),
        )
    )
    for node_id, network, address in rows:
        found[node_id].add((network, address))
    return {node_id: frozenset(places) for node_id, places in found.items()}


def origins(
    session: Session, provider_id: int, identities: Collection[Identity], settled: datetime
) -> Mapping[Identity, Origin]:
    """What is known here of identities that bear this installation's id.

    :param settled: nothing more comes of what was asked for before.
    """
    uuids = {uuid for each in identities if (uuid := _uuid(each)) is not None}
    query = (
        select(Appliance.uuid, Node.generation, Node.ended_at, Node.asked_at)
        .join(Appliance, Appliance.id == Node.appliance_id)
        .where(Node.provider_id == provider_id, Appliance.uuid.in_(uuids))
    )
    found: dict[tuple[UUID, int], Origin] = {}
    for uuid, generation, ended_at, asked_at in session.execute(query):
        origin = Origin.ENDED
        if ended_at is None:
            origin = Origin.LIVING
        elif asked_at is not None and asked_at > settled:
            origin = Origin.SETTLING
        before = found.get((uuid, generation), Origin.ENDED)
        found[uuid, generation] = max(before, origin, key=_CAUTION.index)
    return {each: _origin(found, each) for each in identities}


def _origin(found: Mapping[tuple[UUID, int], Origin], identity: Identity) -> Origin:
    uuid = _uuid(identity)
    return (
        Origin.UNKNOWN if uuid is None else found.get((uuid, identity.generation), Origin.UNKNOWN)
    )


def _uuid(identity: Identity) -> UUID | None:
    try:
        return UUID(identity.appliance)
    except ValueError:
        return None  # a person has changed its tags
