"""How much of what our account may use is used: what EC2 tells of it."""

from collections.abc import Mapping

from cloudhands.burst.providers.ec2.api import Calls
from cloudhands.burst.providers.ec2.mapping import needed
from cloudhands.common.cloud import Invalid, Room

ADDRESSES = "vpc-max-elastic-ips"
# Who may not ask this may make servers all the same.
NOT_ALLOWED = "UnauthorizedOperation"


def quota(calls: Calls) -> Mapping[str, Room]:
    """By the names of `limits.Amounts`: only how many addresses there may be.

    What EC2 tells of servers is a number of old, which nothing is held to any more; what counts
    are vCPUs, and those it tells in an API of its own.
    """
    try:
        told = calls.ask(
            "describe_account_attributes", done=[NOT_ALLOWED], AttributeNames=[ADDRESSES]
        )
    except Invalid:
        return {}  # not every cloud that speaks this API knows the question
    if not told:
        return {}
    for attribute in needed(told, "AccountAttributes"):
        for value in attribute.get("AttributeValues", ()):
            limit = str(value.get("AttributeValue", ""))
            # Asked for one, a cloud may tell of all.
            if attribute.get("AttributeName") == ADDRESSES and limit.isdigit():
                used = needed(calls.ask("describe_addresses"), "Addresses")
                return {"addresses": Room(len(used), int(limit))}
    return {}
