"""A membership's representation."""

from cloudhands.common.membership.commands import NewRole
from cloudhands.common.membership.tables import Membership
from cloudhands.web.representation import ROLES, Link, Option, Representation, options
from cloudhands.web.request import PortalRequest

WITHDRAWING = "The person does not get in any more. Their appliances stay, and are yours to delete."


def of_membership(request: PortalRequest, membership: Membership) -> Representation:
    """A membership, with its edit form."""
    organisation = membership.organisation
    up = request.route_path("organisation", organisation=organisation.uuid)
    return Representation(
        title=membership.user.name,
        info={
            "uid": membership.user.uid,
            "organisation": organisation.title,
            "role": membership.role,
            "state": membership.state,
        },
        nav=[
            Link("self", _path(request, "membership", membership), membership.user.name),
            Link("up", up, organisation.title),
        ],
        options=options(_set_role(request, membership), _withdraw(request, membership)),
    )


def _path(request: PortalRequest, route: str, membership: Membership) -> str:
    path: str = request.route_path(route, membership=membership.uuid)
    return path


def _set_role(request: PortalRequest, membership: Membership) -> Option | None:
    if not membership.is_open:
        return None
    return Option(
        "set-role",
        "Change the role",
        _path(request, "set-role", membership),
        NewRole,
        values={"role": membership.role},
        choices={"role": ROLES},
        if_match=str(membership.version),
    )


def _withdraw(request: PortalRequest, membership: Membership) -> Option | None:
    if not membership.is_open:
        return None
    path = _path(request, "withdraw", membership)
    return Option("withdraw", "Withdraw", path, warning=WITHDRAWING)
