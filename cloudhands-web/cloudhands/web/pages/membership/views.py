"""The views of a membership."""

from pyramid.response import Response
from pyramid.view import view_config

from cloudhands.common.errors import InvalidInput, Outdated
from cloudhands.common.membership import commands
from cloudhands.common.membership.queries import locked
from cloudhands.common.permissions import Role
from cloudhands.common.seen import Version
from cloudhands.web.http import etag, precondition
from cloudhands.web.http.negotiation import done
from cloudhands.web.http.submission import reject, submitted
from cloudhands.web.pages.membership.representation import of_membership
from cloudhands.web.representation import Representation
from cloudhands.web.request import PortalRequest
from cloudhands.web.security.scopes import MembershipScope

TEMPLATE = "pages/membership/templates/membership.jinja"


def shown(scope: MembershipScope, request: PortalRequest) -> tuple[Version, ...]:
    """What the page depends on."""
    return scope.seen.versions


@view_config(
    route_name="membership",
    request_method="GET",
    permission="membership.edit",
    renderer=TEMPLATE,
    shows=shown,
    edits=True,
)
def show(scope: MembershipScope, request: PortalRequest) -> Representation:
    """One membership."""
    return of_membership(request, scope.membership)


@view_config(route_name="set-role", request_method="GET", permission="membership.edit")
@view_config(route_name="withdraw", request_method="GET", permission="membership.edit")
def to_the_form(scope: MembershipScope, request: PortalRequest) -> Response:
    """After a refused form its address is what the browser shows: lead back to the page."""
    return done(request, request.route_path("membership", **request.matchdict))


@view_config(
    route_name="set-role", request_method="POST", permission="membership.set-role", edits=True
)
def set_role(scope: MembershipScope, request: PortalRequest) -> Response:
    """The person shall have another role."""
    try:
        wanted = submitted(request, commands.NewRole)
        with request.writing() as session:
            membership = locked(session, scope.seen.id)
            precondition.check(request, etag.state(membership.uuid, membership.version))
            now = request.services.clock()
            commands.set_role(session, request.viewer, membership, wanted, now)
    except (InvalidInput, Outdated) as error:
        page = of_membership(request, scope.membership)
        return reject(request, TEMPLATE, page, "set-role", error)
    return _done(scope, request)


@view_config(route_name="withdraw", request_method="POST", permission="membership.withdraw")
def withdraw(scope: MembershipScope, request: PortalRequest) -> Response:
    """The person shall not be a member any more."""
    with request.writing() as session:
        membership = locked(session, scope.seen.id)
        commands.withdraw(session, request.viewer, membership, request.services.clock())
    return _done(scope, request)


def _done(scope: MembershipScope, request: PortalRequest) -> Response:
    if Role.SELF in scope.roles:
        # Perhaps not theirs to administer any more, nor even to see.
        return done(request, request.route_path("front"))
    return done(request, request.route_path("membership", **request.matchdict))
