"""Puts EC2's answers into our words, and ours into its tags: pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from cloudhands.common.cloud import Address, Held, Identity, Server, ServerState, Temporary

INSTALLATION = "cloudhands:installation"
APPLIANCE = "cloudhands:appliance"
GENERATION = "cloudhands:generation"
# Set where a server shall have an elastic address: whether it has one is then asked for besides.
EXTERNAL = "cloudhands:external"

# Addresses that are unique in the world.
OUTSIDE = "external"

STATES: Mapping[str, ServerState] = {
    "pending": ServerState.BUILDING,
    "running": ServerState.RUNNING,
    "stopping": ServerState.STOPPING,
    "stopped": ServerState.STOPPED,
    "shutting-down": ServerState.DELETING,
}
"""By EC2's names; it is silent of what it reboots. One that is `terminated` is no server."""

Answer = Mapping[str, Any]


def tags(identity: Identity, **others: str) -> list[dict[str, str]]:
    """What a thing of an identity is tagged with, and what besides."""
    told = {
        INSTALLATION: identity.installation,
        APPLIANCE: identity.appliance,
        GENERATION: str(identity.generation),
        **others,
    }
    return [{"Key": key, "Value": value} for key, value in told.items()]


def whole(identity: Identity) -> list[dict[str, Any]]:
    """Filters that only what bears the whole identity passes."""
    return [{"Name": f"tag:{tag['Key']}", "Values": [tag["Value"]]} for tag in tags(identity)]


def installed(installation: str) -> list[dict[str, Any]]:
    """Filters that only what bears an installation's id passes."""
    return [{"Name": f"tag:{INSTALLATION}", "Values": [installation]}]


def needed(answer: Answer, key: str) -> Any:
    """A part of an answer that EC2 promises.

    :raises Temporary: if it is not there: then nothing can be made of the answer.
    """
    try:
        return answer[key]
    except (KeyError, TypeError):
        raise Temporary(f"the cloud's answer is not what EC2 promises: it has no {key}") from None


def identity_of(answer: Answer) -> Identity | None:
    """Whose a server or an address is, None where the tags do not tell."""
    found = _tags(answer)
    try:
        return Identity(found[INSTALLATION], found[APPLIANCE], int(found[GENERATION]))
    except (KeyError, ValueError):
        return None


def wants_address(answer: Answer) -> bool:
    """Whether a server shall have an elastic address."""
    return EXTERNAL in _tags(answer)


def state_of(answer: Answer) -> ServerState | None:
    """The state of a server, None if it is no more.

    :raises Temporary: if it is none that EC2 knows.
    """
    name = needed(needed(answer, "State"), "Name")
    if name == "terminated":
        return None
    if name not in STATES:
        raise Temporary(f"the cloud tells of a state that EC2 does not know: {name}")
    return STATES[name]


def why_ended(answer: Answer) -> str:
    """The cloud's words on why a server is no more."""
    reason = answer.get("StateReason") or {}
    return str(reason.get("Message") or answer.get("StateTransitionReason") or "it gave no reason")


def server(answer: Answer, identity: Identity, state: ServerState, held: Sequence[Held]) -> Server:
    """A server as we tell of it.

    :param held: the elastic addresses that are associated with it.
    """
    addresses = [one.address for one in held]
    if private := answer.get("PrivateIpAddress"):
        # Unique in its own network only; there is none where the cloud knows no such things.
        addresses.insert(0, Address(answer.get("VpcId") or "private", private))
    return Server(
        id=needed(answer, "InstanceId"),
        identity=identity,
        state=state,
        addresses=tuple(addresses),
        size=answer.get("InstanceType", ""),
        details=_details(answer),
    )


def held(answer: Answer) -> Held | None:
    """An elastic address as we tell of it, None if the tags do not tell whose it is."""
    identity = identity_of(answer)
    return Held(identity, _outside(answer)) if identity else None


def _tags(answer: Answer) -> Mapping[str, str]:
    return {tag.get("Key", ""): tag.get("Value", "") for tag in answer.get("Tags", ())}


def _outside(answer: Answer) -> Address:
    return Address(OUTSIDE, needed(answer, "PublicIp"), external=True)


def _details(answer: Answer) -> Mapping[str, str]:
    told = {
        "image": answer.get("ImageId"),
        "zone": (answer.get("Placement") or {}).get("AvailabilityZone"),
    }
    return {key: value for key, value in told.items() if value}
