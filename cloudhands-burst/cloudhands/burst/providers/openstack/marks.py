"""How what is ours at an OpenStack cloud says so: metadata of a server, description of an address.

A server's metadata cannot be searched by an ordinary user, its name can; so the name bears enough
of the identity to find few, and the metadata decides.
"""

from collections.abc import Mapping
from typing import Any

from cloudhands.common.cloud import Identity

INSTALLATION = "cloudhands_installation"
APPLIANCE = "cloudhands_appliance"
GENERATION = "cloudhands_generation"
SIZE = "cloudhands_size"
OWNER = "cloudhands"


def short(installation: str) -> str:
    """What of an installation's id stands in the names of its servers."""
    return installation[:8]


def name(wished: str, identity: Identity) -> str:
    """A server's name: the wished one, with what it must bear to be found."""
    parts = (short(identity.installation), identity.appliance)
    return "-".join([wished, *(part for part in parts if part not in wished)])


def metadata(identity: Identity, size: str) -> dict[str, str]:
    """What a server's metadata says.

    :param size: as it was asked for: the cloud may know it by another word.
    """
    return {
        INSTALLATION: identity.installation,
        APPLIANCE: identity.appliance,
        GENERATION: str(identity.generation),
        SIZE: size,
    }


def of_metadata(found: Mapping[str, Any] | None) -> Identity | None:
    """The identity that a server's metadata tells, or None if it is none of ours."""
    found = found or {}
    return _identity(found.get(INSTALLATION), found.get(APPLIANCE), found.get(GENERATION))


def description(identity: Identity) -> str:
    """What an address's description says; given with the address, so that it never lacks it."""
    return f"{OWNER} {identity.installation} {identity.appliance} {identity.generation}"


def of_description(found: str | None) -> Identity | None:
    """The identity that an address's description tells, or None if it is none of ours."""
    words = (found or "").split(" ")
    return _identity(*words[1:]) if len(words) == 4 and words[0] == OWNER else None


def _identity(installation: Any, appliance: Any, generation: Any) -> Identity | None:
    known = installation and appliance and str(generation or "").isdecimal()
    return Identity(str(installation), str(appliance), int(generation)) if known else None
