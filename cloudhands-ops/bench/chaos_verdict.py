"""Compares, at the end of chaos, what the database holds with what is at the clouds."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import boto3.session
from chaos_world import AMAZON, SIMULATED, World
from sqlalchemy import func, or_, select

from cloudhands.burst import providers
from cloudhands.burst.providers.ec2 import mapping
from cloudhands.burst.testing_invariants import Picture, broken, forgotten, picture
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.cloud import Held, Identity, Listing, Server, ServerState
from cloudhands.common.history import verification
from cloudhands.common.testing.ec2 import REGION

Key = tuple[str, str, int]


@dataclass(frozen=True)
class Verdict:
    """What was found.

    :param differences: a sentence for each thing that is not as it should be.
    :param counts: how many of each there are.
    """

    differences: Sequence[str]
    counts: Mapping[str, int]


def is_quiet(world: World) -> bool:
    """Whether nothing is to be done any more, neither with a row nor with what is at a cloud."""
    moving = or_(Appliance.due_at.is_not(None), Appliance.claim_token.is_not(None))
    with world.database.reading() as session:
        if session.scalar(select(func.count()).where(moving)):
            return False
    at_clouds = everything(world)
    if any(server.state is ServerState.DELETING for server in _servers(at_clouds)):
        return False
    return not [*_nobodys(_taken(world, at_clouds), at_clouds)]


def verdict(world: World) -> Verdict:
    """Compare everything; nobody is at work there any more."""
    at_clouds = everything(world)
    taken = _taken(world, at_clouds)
    differences = [
        # Told once: `_strays` tells of the same.
        *(found for found in broken(taken) if "and no living node is it" not in found),
        *_nobodys(taken, at_clouds),
        *_unfinished(taken),
        *_doubles(taken),
        *_lost(taken),
        *_addresses(taken, at_clouds),
        *_history(world),
    ]
    return Verdict(differences, _counts(taken, at_clouds))


def everything(world: World) -> Mapping[str, Listing]:
    """All that is at each cloud, as the cloud itself tells it."""
    clouds = providers.connect(world.settings)
    found = {name: _behind(clouds[name]).everything() for name in SIMULATED}
    return found | ({AMAZON: _at_ec2(world)} if world.ec2 else {})


def _behind(cloud: Any) -> Any:
    """What a cloud relays to: it has everything, found or not."""
    while not hasattr(cloud, "everything"):
        cloud = cloud._cloud
    return cloud


def _at_ec2(world: World) -> Listing:
    assert world.ec2 is not None
    session = boto3.session.Session("testing-key", "testing-secret", region_name=REGION)
    client: Any = session.client("ec2", endpoint_url=world.ec2.url)
    servers: list[Server] = []
    for page in client.get_paginator("describe_instances").paginate():
        for answer in (one for some in page["Reservations"] for one in some["Instances"]):
            state = mapping.state_of(answer)
            if state is not None:
                identity = mapping.identity_of(answer) or Identity("", answer["InstanceId"], 0)
                servers.append(mapping.server(answer, identity, state, ()))
    told = client.describe_addresses()["Addresses"]
    nobodys = Identity("", "nobody", 0)
    held = [mapping.held(one) or Held(nobodys, mapping._outside(one)) for one in told]
    return Listing(servers, held)


def _living(taken: Picture) -> Mapping[Key, Any]:
    uuids = {row.id: str(row.uuid) for row in taken.appliances}
    return {
        (taken.providers[node.provider_id], uuids[node.appliance_id], node.generation): node
        for node in taken.living
    }


def _present(taken: Picture) -> Iterator[tuple[Key, Server]]:
    for provider, servers in taken.servers.items():
        for server in servers:
            if server.state is not ServerState.DELETING:
                yield (provider, server.identity.appliance, server.identity.generation), server


def _taken(world: World, at_clouds: Mapping[str, Listing]) -> Picture:
    return picture(world.database, {name: one.servers for name, one in at_clouds.items()})


def _servers(at_clouds: Mapping[str, Listing]) -> Iterator[Server]:
    return (server for listing in at_clouds.values() for server in listing.servers)


def _nobodys(taken: Picture, at_clouds: Mapping[str, Listing]) -> Iterator[str]:
    """What is at the clouds and no node's: for drift to end."""
    yield from _strays(taken)
    yield from _forgotten(taken, at_clouds)


def _strays(taken: Picture) -> Iterator[str]:
    living = _living(taken)
    for key, server in _present(taken):
        if key not in living:
            yield f"server {server.id} of {key} is at the cloud, and no living node is it"


def _forgotten(taken: Picture, at_clouds: Mapping[str, Listing]) -> Iterator[str]:
    return forgotten(taken, [held.identity for one in at_clouds.values() for held in one.held])


def _unfinished(taken: Picture) -> Iterator[str]:
    """What did not come to rest, with what it waits for."""
    last = {row.artifact_uuid: row for row in taken.touches}
    for row in taken.appliances:
        if row.due_at is not None:
            yield (
                f"appliance {row.uuid} did not come to rest: {row.state}, goal {row.goal}, "
                f"attempt {row.attempt}: {row.problem or 'no problem'}"
            )
        if row.state == "failed" and last.get(row.uuid) is None:
            yield f"appliance {row.uuid} has failed without a reason"


def _doubles(taken: Picture) -> Iterator[str]:
    for key, number in Counter(key for key, _ in _present(taken)).items():
        if number > 1:
            yield f"{key} has {number} servers"


def _lost(taken: Picture) -> Iterator[str]:
    ids = {server.id for _, server in _present(taken)}
    for key, node in _living(taken).items():
        if node.server_id not in ids:
            yield f"{key} is a living node, and its server {node.server_id} is not at the cloud"


def _addresses(taken: Picture, at_clouds: Mapping[str, Listing]) -> Iterator[str]:
    """Each external address that we hold is held at the cloud, for the same node."""
    nodes = {node.id: key for key, node in _living(taken).items()}
    external = {one.address.network for each in at_clouds.values() for one in each.held}
    there = {
        (name, one.identity.appliance, one.address.address)
        for name, each in at_clouds.items()
        for one in each.held
    }
    for row in taken.addresses:
        if row.released_at is None and row.network in external and row.node_id in nodes:
            provider, uuid, _ = nodes[row.node_id]
            if (provider, uuid, row.address) not in there:
                yield f"address {row.address} of {uuid} is not held at the {provider} cloud"


def _history(world: World) -> Iterator[str]:
    assert world.database.secret is not None
    found = verification.verify(world.database, world.database.secret)
    return (f"history: {finding.sentence}" for finding in found.findings)


def _counts(taken: Picture, at_clouds: Mapping[str, Listing]) -> Mapping[str, int]:
    states = Counter(row.state for row in taken.appliances)
    servers = {name: len([*one.servers]) for name, one in at_clouds.items()}
    return {
        **{f"appliances {state}": number for state, number in sorted(states.items())},
        **{f"servers at {name}": number for name, number in servers.items()},
        "addresses held": sum(len(one.held) for one in at_clouds.values()),
        "nodes ever": len(taken.nodes),
        "rows of history": len(taken.touches),
    }
