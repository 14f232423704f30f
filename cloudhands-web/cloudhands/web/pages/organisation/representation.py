"""An organisation's representation."""

from collections.abc import Collection, Sequence

from cloudhands.common import permissions
from cloudhands.common.appliance import queries as appliances
from cloudhands.common.membership import queries as memberships
from cloudhands.common.membership.queries import Listed
from cloudhands.common.organisation.queries import About
from cloudhands.common.permissions import Role
from cloudhands.common.placement.queries import waiting_in
from cloudhands.web.pages.appliance.representation import summary
from cloudhands.web.representation import Link, Representation
from cloudhands.web.request import PortalRequest


def of_organisation(
    request: PortalRequest, organisation: About, roles: Collection[Role]
) -> Representation:
    """An organisation with its appliances and members."""
    shown = appliances.listed(request.connection, organisation.id)
    addresses = appliances.addresses_in(request.connection, organisation.id)
    may_approve = permissions.allowed("appliance.approve", roles)
    waiting = waiting_in(request.connection, organisation.id) if may_approve else {}
    return Representation(
        title=organisation.title,
        info={
            "name": organisation.name,
            "limit": organisation.limit,
            "used": organisation.used,
            "moving": any(row.moving for row in shown),
        },
        nav=_nav(request, organisation, roles),
        items={
            "ch:appliance": [
                summary(request, row, addresses.get(row.id, ()), waiting.get(row.id, ""))
                for row in shown
            ],
            "ch:members": _members(request, organisation, roles),
        },
    )


def _nav(request: PortalRequest, organisation: About, roles: Collection[Role]) -> Sequence[Link]:
    uuid = organisation.uuid
    nav = [
        Link("self", request.route_path("organisation", organisation=uuid), organisation.title),
        Link("up", request.route_path("front"), "Front page"),
        Link("ch:catalogue", request.route_path("catalogue", organisation=uuid), "Catalogue"),
    ]
    if permissions.allowed("membership.invite", roles):
        people = request.route_path("colleagues", organisation=uuid) + "{?q}"
        nav.append(Link("ch:people", people, "Invite a colleague", templated=True))
    return nav


def _members(
    request: PortalRequest, organisation: About, roles: Collection[Role]
) -> Sequence[Representation]:
    sees_invited = permissions.allowed("membership.invite", roles)
    return [
        _member(request, row, sees_invited)
        for row in memberships.listed(request.connection, organisation.id)
        if row.state == "active" or sees_invited
    ]


def _member(request: PortalRequest, row: Listed, may_edit: bool) -> Representation:
    path = request.route_path("membership", membership=row.uuid) if may_edit else ""
    return Representation(
        title=row.name,
        info={"uid": row.uid, "role": row.role, "state": row.state},
        nav=[Link("edit-form", path, "Change")] if may_edit else [],
    )
