"""The views of invitations."""

from pyramid.response import Response
from pyramid.view import view_config

from cloudhands.common.errors import InvalidInput
from cloudhands.common.membership import commands
from cloudhands.common.membership.commands import Invitation
from cloudhands.common.membership.tables import Membership
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.seen import Version
from cloudhands.web.http.creation import created
from cloudhands.web.http.negotiation import done
from cloudhands.web.http.submission import submitted
from cloudhands.web.pages.invitation.representation import of_invitation
from cloudhands.web.representation import Representation
from cloudhands.web.request import PortalRequest
from cloudhands.web.security.scopes import MembershipScope, OrganisationScope


def shown(scope: MembershipScope, request: PortalRequest) -> tuple[Version, ...]:
    """What the page depends on."""
    return scope.seen.versions


@view_config(
    route_name="invitation",
    request_method="GET",
    permission="membership.see",
    renderer="pages/invitation/templates/invitation.jinja",
    shows=shown,
)
def show(scope: MembershipScope, request: PortalRequest) -> Representation:
    """One invitation."""
    return of_invitation(request, scope.membership, scope.roles)


@view_config(route_name="accept", request_method="GET", permission="membership.see")
def to_the_form(scope: MembershipScope, request: PortalRequest) -> Response:
    """After a refused form its address is what the browser shows: lead back to the page."""
    return done(request, request.route_path("invitation", **request.matchdict))


@view_config(route_name="invite", request_method="GET", permission="membership.invite")
def to_the_search(scope: OrganisationScope, request: PortalRequest) -> Response:
    """See `to_the_form`; this one stands beside each person who is found."""
    return done(request, request.route_path("colleagues", **request.matchdict))


@view_config(route_name="accept", request_method="POST", permission="membership.accept")
def accept(scope: MembershipScope, request: PortalRequest) -> Response:
    """Become a member."""
    with request.writing() as session:
        membership = session.get_one(Membership, scope.seen.id, with_for_update=True)
        commands.accept(session, request.viewer, membership, request.services.clock())
        organisation = membership.organisation.uuid
    return done(request, request.route_path("organisation", organisation=organisation))


@view_config(
    route_name="invite", request_method="POST", permission="membership.invite", creates=True
)
def invite(scope: OrganisationScope, request: PortalRequest) -> Response:
    """Invite a person of the directory; who they are is read from the index, not from the form."""
    wanted = submitted(request, Invitation)
    person = request.services.people.get(wanted.person)
    if person is None:
        raise InvalidInput({"person": "The directory does not know this person."})
    with request.writing() as session:
        organisation = session.get_one(Organisation, scope.seen.id)
        membership = commands.invite(
            session, request.viewer, organisation, person, wanted.role, request.services.clock()
        )
        path = request.route_path("invitation", membership=membership.uuid)
        return created(request, session, path)
