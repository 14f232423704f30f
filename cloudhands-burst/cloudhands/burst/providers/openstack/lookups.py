"""Finds images, sizes and networks by the name or the id that an operator wrote."""

from collections.abc import Iterable
from typing import Protocol
from uuid import UUID

from openstack.connection import Connection

from cloudhands.burst.providers.openstack.errors import answering
from cloudhands.common.cloud import Denied, Gone, Invalid


class Named(Protocol):
    """What the cloud knows by an id and a name."""

    id: str
    name: str


def image(cloud: Connection, wanted: str) -> str | None:
    """The id of an image; of several of that name the newest, None if there is none."""
    with answering(refused=Denied):
        found = list(cloud.image.images(name=wanted, status="active"))
        if found:
            return str(max(found, key=lambda one: str(one.created_at)).id)
        if not _is_uuid(wanted):
            return None
    try:
        with answering(missing=Gone, refused=Denied):
            return str(cloud.image.get_image(wanted).id)
    except Gone:
        return None


def sizes(cloud: Connection) -> list[Named]:
    """Every size that may be used there; clouds have tens of them."""
    with answering(refused=Denied):
        return list(cloud.compute.flavors(details=False))


def size(cloud: Connection, wanted: str) -> str:
    """The id of a size.

    :raises Invalid: if the cloud has none of that name or id.
    """
    if chosen := _chosen(sizes(cloud), wanted):
        return chosen.id
    raise Invalid(f"the cloud has no size {wanted!r}")


def network(cloud: Connection, wanted: str, option: str) -> str:
    """The id of a network.

    :param option: where its name was written.
    :raises Denied: if there is none, or several: the operator has to mend the option.
    """
    with answering(refused=Denied):
        found: list[Named] = list(cloud.network.networks(name=wanted))
        if not found and _is_uuid(wanted):
            found = list(cloud.network.networks(id=wanted))
    if len(found) == 1:
        return str(found[0].id)
    many = f"it has {len(found)} of that name: write the id" if found else "mend the option"
    raise Denied(f"option {option}: the cloud has no network {wanted!r} alone; {many}")


def missing(known: Iterable[Named], wanted: Iterable[str]) -> list[str]:
    """Those wanted that are not among the known, neither by name nor by id."""
    known = list(known)
    return sorted(one for one in set(wanted) if not _chosen(known, one))


def _chosen(known: Iterable[Named], wanted: str) -> Named | None:
    known = list(known)
    by_id = (one for one in known if one.id == wanted)
    by_name = (one for one in known if one.name == wanted)
    return next(by_id, None) or next(by_name, None)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
