"""A membership's representation."""

from collections.abc import Mapping

from cloudhands.common.membership.commands import NewRole
from cloudhands.common.membership.queries import is_last_administrator
from cloudhands.common.membership.tables import Membership
from cloudhands.web.http import etag
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
        options=_options(request, membership),
    )


def _path(request: PortalRequest, route: str, membership: Membership) -> str:
    path: str = request.route_path(route, membership=membership.uuid)
    return path


def _options(request: PortalRequest, membership: Membership) -> Mapping[str, Option]:
    if not membership.is_open or is_last_administrator(request.db, membership):
        return {}
    set_role = Option(
        "set-role",
        "Change the role",
        _path(request, "set-role", membership),
        NewRole,
        values={"role": membership.role},
        choices={"role": ROLES},
        if_match=etag.state(membership.uuid, membership.version),
    )
    path = _path(request, "withdraw", membership)
    return options(set_role, Option("withdraw", "Withdraw", path, warning=WITHDRAWING))
