"""Looks for servers, and tells of them with the elastic addresses that they hold."""

from collections.abc import Mapping, Sequence
from typing import Any

from cloudhands.burst.providers.ec2 import elastic, mapping
from cloudhands.burst.providers.ec2.api import Calls
from cloudhands.burst.providers.ec2.mapping import Answer, needed
from cloudhands.burst.providers.ec2.young import Young
from cloudhands.common.cloud import Gone, Held, Identity, Listing, Server, Temporary

_LIVING = {"Name": "instance-state-name", "Values": list(mapping.STATES)}


def found(calls: Calls, identity: Identity, page: int) -> Sequence[Server]:
    """Every server that bears an identity.

    :param page: how many servers an answer may tell of.
    """
    told = _living(calls, mapping.whole(identity), page)
    outside = any(mapping.wants_address(one) for one in told)
    return _servers(told, _by_server(elastic.of(calls, identity) if outside else ()))


def listed(calls: Calls, installation: str, page: int) -> Listing:
    """Every server and every elastic address that bears an installation's id.

    :param page: how many servers an answer may tell of.
    """
    only = mapping.installed(installation)
    addresses = list(needed(calls.ask("describe_addresses", Filters=only), "Addresses"))
    servers = _servers(_living(calls, only, page), _by_server(addresses))
    return Listing(servers, [held for told in addresses if (held := mapping.held(told))])


def look(calls: Calls, server_id: str, young: Young) -> Server:
    """A server that exists and is ours.

    :param young: what was made so short ago that the cloud may not know of it.
    :raises Gone: if it does not exist.
    :raises Temporary: if its tags do not tell whose it is: then nothing is done to it.
    """
    told = _told(calls, server_id, young)
    state = mapping.state_of(told)
    if state is None:
        raise Gone(f"the server {server_id} was ended: {mapping.why_ended(told)}")
    identity = mapping.identity_of(told)
    if identity is None:
        raise Temporary(
            f"the server {server_id} has lost the tags that tell whose it is: "
            f"put back {mapping.INSTALLATION}, {mapping.APPLIANCE} and {mapping.GENERATION}"
        )
    held = elastic.of(calls, identity) if mapping.wants_address(told) else ()
    return mapping.server(told, identity, state, _by_server(held).get(server_id, ()))


def _told(calls: Calls, server_id: str, young: Young) -> Answer:
    try:
        answer = calls.ask("describe_instances", InstanceIds=[server_id])
        for one in _instances(needed(answer, "Reservations")):
            if needed(one, "InstanceId") == server_id:
                return one
    except Gone:
        pass  # as where nothing is told of it
    if server_id in young:
        raise Temporary("the cloud has just made it, and does not know of it everywhere")
    raise Gone(f"there is no server {server_id}")


def _living(calls: Calls, only: Sequence[Mapping[str, Any]], page: int) -> Sequence[Answer]:
    filters = [*only, _LIVING]
    pages = calls.pages("describe_instances", "Reservations", Filters=filters, MaxResults=page)
    return _instances(list(pages))


def _instances(reservations: Sequence[Answer]) -> Sequence[Answer]:
    return [told for reservation in reservations for told in needed(reservation, "Instances")]


def _by_server(addresses: Sequence[Answer]) -> Mapping[str, Sequence[Held]]:
    found: dict[str, list[Held]] = {}
    for told in addresses:
        if (server_id := told.get("InstanceId")) and (one := mapping.held(told)):
            found.setdefault(server_id, []).append(one)
    return found


def _servers(found: Sequence[Answer], held: Mapping[str, Sequence[Held]]) -> list[Server]:
    servers = []
    for told in found:
        state, identity = mapping.state_of(told), mapping.identity_of(told)
        if state and identity:
            theirs = held.get(needed(told, "InstanceId"), ())
            servers.append(mapping.server(told, identity, state, theirs))
    return servers
