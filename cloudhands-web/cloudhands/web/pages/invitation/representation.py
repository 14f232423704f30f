"""An invitation's representation."""

from collections.abc import Collection, Sequence

from cloudhands.common.membership.tables import Membership
from cloudhands.common.permissions import Role, allowed
from cloudhands.web.representation import Link, Option, Representation, options
from cloudhands.web.request import PortalRequest


def of_invitation(
    request: PortalRequest, membership: Membership, roles: Collection[Role] = ()
) -> Representation:
    """A membership that somebody is invited to, or once was.

    :param roles: what the viewer is towards it: who invites goes on from here to the next one.
    """
    path = request.route_path("invitation", membership=membership.uuid)
    title = f"Invitation to {membership.organisation.title}"
    return Representation(
        title=title,
        info={
            "organisation": membership.organisation.title,
            "person": membership.user.name,
            "role": membership.role,
            "state": membership.state,
        },
        nav=[Link("self", path, title), *_further(request, membership, roles)],
        options=options(_accept(request, membership)),
    )


def _further(
    request: PortalRequest, membership: Membership, roles: Collection[Role]
) -> Sequence[Link]:
    if not allowed("membership.invite", roles):
        return [Link("up", request.route_path("front"), "Front page")]
    organisation = membership.organisation
    up = request.route_path("organisation", organisation=organisation.uuid)
    people = request.route_path("colleagues", organisation=organisation.uuid) + "{?q}"
    return [
        Link("up", up, organisation.title),
        Link("ch:people", people, "Invite another colleague", templated=True),
    ]


def _accept(request: PortalRequest, membership: Membership) -> Option | None:
    mine = request.viewer is not None and membership.user_id == request.viewer.id
    if membership.state != "invited" or not mine:
        return None
    return Option("accept", "Accept", request.route_path("accept", membership=membership.uuid))
