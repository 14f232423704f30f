"""An organisation's representation."""

from collections.abc import Collection, Sequence

from cloudhands.common import permissions
from cloudhands.common.appliance import queries as appliances
from cloudhands.common.membership.queries import of_organisation as memberships_of
from cloudhands.common.membership.tables import Membership
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.permissions import Role
from cloudhands.web.pages.appliance.representation import summary
from cloudhands.web.representation import Link, Representation
from cloudhands.web.request import PortalRequest


def of_organisation(
    request: PortalRequest, organisation: Organisation, roles: Collection[Role]
) -> Representation:
    """An organisation with its appliances and members."""
    shown = appliances.of_organisation(request.db, organisation)
    addresses = appliances.addresses_of(request.db, shown)
    return Representation(
        title=organisation.title,
        info={
            "name": organisation.name,
            "limit": organisation.appliance_limit,
            "used": organisation.appliances,
            "moving": any(row.due_at is not None for row in shown),
        },
        nav=_nav(request, organisation, roles),
        items={
            "ch:appliance": [summary(request, row, addresses[row.id]) for row in shown],
            "ch:members": _members(request, organisation, roles),
        },
    )


def _nav(
    request: PortalRequest, organisation: Organisation, roles: Collection[Role]
) -> Sequence[Link]:
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
    request: PortalRequest, organisation: Organisation, roles: Collection[Role]
) -> Sequence[Representation]:
    sees_invited = permissions.allowed("membership.invite", roles)
    return [
        _member(request, row, sees_invited)
        for row in memberships_of(request.db, organisation)
        if row.state == "active" or sees_invited
    ]


def _member(request: PortalRequest, membership: Membership, may_edit: bool) -> Representation:
    user = membership.user
    path = request.route_path("membership", membership=membership.uuid)
    return Representation(
        title=user.name,
        info={"uid": user.uid, "role": membership.role, "state": membership.state},
        nav=[Link("edit-form", path, "Change")] if may_edit else [],
    )
