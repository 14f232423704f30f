"""An invitation's representation."""

from cloudhands.common.membership.tables import Membership
from cloudhands.web.representation import Link, Option, Representation, options
from cloudhands.web.request import PortalRequest


def of_invitation(request: PortalRequest, membership: Membership) -> Representation:
    """A membership that somebody is invited to, or once was."""
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
        nav=[Link("self", path, title), Link("up", request.route_path("front"), "Front page")],
        options=options(_accept(request, membership)),
    )


def _accept(request: PortalRequest, membership: Membership) -> Option | None:
    mine = request.viewer is not None and membership.user_id == request.viewer.id
    if membership.state != "invited" or not mine:
        return None
    return Option("accept", "Accept", request.route_path("accept", membership=membership.uuid))
