"""The views of invitations."""

from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config

from cloudhands.common.errors import InvalidInput
from cloudhands.common.membership import commands
from cloudhands.common.membership.commands import Invitation
from cloudhands.common.membership.tables import Membership
from cloudhands.common.organisation.tables import Organisation
from cloudhands.web.http.negotiation import done
from cloudhands.web.http.submission import submitted
from cloudhands.web.pages.invitation.representation import of_invitation
from cloudhands.web.representation import Representation
from cloudhands.web.security.scopes import MembershipScope, OrganisationScope


@view_config(
    route_name="invitation",
    request_method="GET",
    permission="membership.see",
    renderer="pages/invitation/templates/invitation.jinja",
)
def show(scope: MembershipScope, request: Request) -> Representation:
    """One invitation."""
    return of_invitation(request, scope.membership)


@view_config(route_name="accept", request_method="GET", permission="membership.see")
def to_the_form(scope: MembershipScope, request: Request) -> Response:
    """After a refused form its address is what the browser shows: lead back to the page."""
    return done(request, request.route_path("invitation", membership=scope.membership.uuid))


@view_config(route_name="invite", request_method="GET", permission="membership.invite")
def to_the_search(scope: OrganisationScope, request: Request) -> Response:
    """See `to_the_form`; this one stands beside each person who is found."""
    path = request.route_path("colleagues", organisation=scope.organisation.uuid)
    return done(request, path)


@view_config(route_name="accept", request_method="POST", permission="membership.accept")
def accept(scope: MembershipScope, request: Request) -> Response:
    """Become a member."""
    with request.writing() as session:
        membership = session.get_one(Membership, scope.membership.id, with_for_update=True)
        commands.accept(session, request.viewer, membership, request.services.clock())
        organisation = membership.organisation.uuid
    return done(request, request.route_path("organisation", organisation=organisation))


@view_config(route_name="invite", request_method="POST", permission="membership.invite")
def invite(scope: OrganisationScope, request: Request) -> Response:
    """Invite a person of the directory; who they are is read from the index, not from the form."""
    wanted = submitted(request, Invitation)
    person = request.services.people.get(wanted.person)
    if person is None:
        raise InvalidInput({"person": "The directory does not know this person."})
    with request.writing() as session:
        organisation = session.get_one(Organisation, scope.organisation.id)
        membership = commands.invite(
            session, request.viewer, organisation, person, wanted.role, request.services.clock()
        )
        uuid = membership.uuid
    return done(request, request.route_path("invitation", membership=uuid), created=True)
