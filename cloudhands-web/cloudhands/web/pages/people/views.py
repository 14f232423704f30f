"""The views of the search for people."""

from pyramid.view import view_config

from cloudhands.common.forms import writable
from cloudhands.common.membership.queries import seen_of_organisation
from cloudhands.common.seen import Version
from cloudhands.web.pages.people.representation import of_colleagues, of_people, stale_since
from cloudhands.web.representation import Representation
from cloudhands.web.request import PortalRequest
from cloudhands.web.security.scopes import OrganisationScope, Scope

TEMPLATE = "pages/people/templates/people.jinja"


def shown(scope: Scope, request: PortalRequest) -> tuple[Version, ...]:
    """What a search depends on besides its words."""
    return _of_index(request)


def _of_index(request: PortalRequest) -> tuple[Version, ...]:
    since = stale_since(request)
    return request.services.people.revision(), since.isoformat() if since else ""


def _typed(request: PortalRequest) -> str:
    return writable(request.GET.get("q", ""))


def shown_of_colleagues(scope: OrganisationScope, request: PortalRequest) -> tuple[Version, ...]:
    """What a search for somebody to invite depends on besides its words."""
    members = seen_of_organisation(request.connection, scope.seen.id)
    return (*scope.seen.versions, *members, *_of_index(request))


@view_config(
    route_name="people",
    request_method="GET",
    permission="people.search",
    renderer=TEMPLATE,
    shows=shown,
)
def show(scope: Scope, request: PortalRequest) -> Representation:
    """Find somebody."""
    return of_people(request, _typed(request))


@view_config(
    route_name="colleagues",
    request_method="GET",
    permission="membership.invite",
    renderer=TEMPLATE,
    shows=shown_of_colleagues,
)
def show_colleagues(scope: OrganisationScope, request: PortalRequest) -> Representation:
    """Find somebody to invite."""
    return of_colleagues(request, scope.organisation, _typed(request))
