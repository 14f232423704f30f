"""Elastic addresses: taken under an identity, used again, and given back."""

from collections.abc import Sequence

from cloudhands.burst.providers.ec2.api import Calls
from cloudhands.burst.providers.ec2.mapping import Answer, needed, tags, whole
from cloudhands.common.cloud import Identity


def of(calls: Calls, identity: Identity) -> Sequence[Answer]:
    """Every address that was taken under an identity."""
    answer = calls.ask("describe_addresses", Filters=whole(identity))
    return list(needed(answer, "Addresses"))


def give(calls: Calls, identity: Identity, server_id: str) -> None:
    """See that a server has one: one that was taken before, or else a new one.

    :raises Full: if there is none left.
    """
    # One that a twin holds comes last: the server that is kept may take it away.
    taken = sorted(of(calls, identity), key=lambda told: bool(told.get("InstanceId")))
    if any(told.get("InstanceId") == server_id for told in taken):
        return
    allocation = needed(taken[0] if taken else _new(calls, identity), "AllocationId")
    calls.ask(
        "associate_address",
        AllocationId=allocation,
        InstanceId=server_id,
        AllowReassociation=True,
    )


def release(calls: Calls, identity: Identity) -> None:
    """Give back every one that was taken under an identity."""
    for told in of(calls, identity):
        if association := told.get("AssociationId"):
            calls.ask(
                "disassociate_address",
                done=["InvalidAssociationID.NotFound"],
                AssociationId=association,
            )
        calls.ask(
            "release_address",
            done=["InvalidAllocationID.NotFound"],
            AllocationId=needed(told, "AllocationId"),
        )


def _new(calls: Calls, identity: Identity) -> Answer:
    tagged = [{"ResourceType": "elastic-ip", "Tags": tags(identity)}]
    return calls.ask("allocate_address", Domain="vpc", TagSpecifications=tagged)
