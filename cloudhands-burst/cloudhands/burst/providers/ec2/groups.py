"""The security groups that servers are made in: the operator's, or one of ours that lets SSH in."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from cloudhands.burst.providers.ec2.api import Calls
from cloudhands.burst.providers.ec2.mapping import INSTALLATION, needed
from cloudhands.burst.providers.ec2.options import Options
from cloudhands.common.cloud import Invalid, Temporary

SSH = 22
IDS = "sg-"


class Groups:
    """Finds them once, and makes ours where there is none.

    Two workers that make it at the same moment agree by its name, which a network has only once.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._known: Mapping[str, Sequence[str]] = {}

    def ids(self, calls: Calls, installation: str) -> Sequence[str]:
        """The ids of the groups that an installation's servers are made in.

        :raises Invalid: if one that the operator names is not there.
        """
        if installation not in self._known:
            network = self._network(calls)
            if self._options.security_groups:
                found = [
                    self._named(calls, network, name) for name in self._options.security_groups
                ]
            else:
                found = [self._ours(calls, network, installation)]
            self._known = {**self._known, installation: found}
        return self._known[installation]

    def forget(self) -> None:
        """Find them anew the next time: one of them is not there any more."""
        self._known = {}

    def _network(self, calls: Calls) -> str | None:
        """The network (VPC) that servers are made in, None where the cloud has no such things."""
        if self._options.subnet:
            answer = calls.ask("describe_subnets", SubnetIds=[self._options.subnet])
            found = needed(answer, "Subnets")
        else:
            default = [{"Name": "is-default", "Values": ["true"]}]
            found = needed(calls.ask("describe_vpcs", Filters=default), "Vpcs")
        return str(needed(found[0], "VpcId")) if found else None

    def _named(self, calls: Calls, network: str | None, name: str) -> str:
        by = "group-id" if name.startswith(IDS) else "group-name"
        found = _find(calls, network, by, name)
        if found is None:
            raise Invalid(
                f"the cloud has no security group {name!r}, which the option 'security_groups' "
                "of this provider names"
            )
        return found

    def _ours(self, calls: Calls, network: str | None, installation: str) -> str:
        name = f"cloudhands-{installation}"
        group = _find(calls, network, "group-name", name) or _make(
            calls, network, name, installation
        )
        for source in self._options.ssh_from:
            # Each process asks for it anew: the one that made the group may not have come so far.
            calls.ask(
                "authorize_security_group_ingress",
                done=["InvalidPermission.Duplicate"],
                GroupId=group,
                **_ssh(source),
            )
        return group


def _find(calls: Calls, network: str | None, by: str, value: str) -> str | None:
    only = [{"Name": by, "Values": [value]}]
    if network:
        only.append({"Name": "vpc-id", "Values": [network]})
    answer = calls.ask("describe_security_groups", Filters=only)
    for told in needed(answer, "SecurityGroups"):
        return str(needed(told, "GroupId"))
    return None


def _make(calls: Calls, network: str | None, name: str, installation: str) -> str:
    tag = {"Key": INSTALLATION, "Value": installation}
    tagged = [{"ResourceType": "security-group", "Tags": [tag]}]
    words = {"GroupName": name, "Description": "Made by cloudhands: lets SSH in"}
    within = {"VpcId": network} if network else {}
    answer = calls.ask(
        "create_security_group",
        done=["InvalidGroup.Duplicate"],
        TagSpecifications=tagged,
        **words,
        **within,
    )
    if not answer:
        raise Temporary("another worker makes the security group at this moment")
    return str(needed(answer, "GroupId"))


def _ssh(source: str) -> Mapping[str, Any]:
    ranges: Mapping[str, Any]
    if ip_network(source).version == 6:
        ranges = {"Ipv6Ranges": [{"CidrIpv6": source}]}
    else:
        ranges = {"IpRanges": [{"CidrIp": source}]}
    rule = {"IpProtocol": "tcp", "FromPort": SSH, "ToPort": SSH, **ranges}
    return {"IpPermissions": [rule]}
