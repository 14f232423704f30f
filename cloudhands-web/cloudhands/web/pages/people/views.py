"""The views of the search for people."""

from pyramid.request import Request
from pyramid.view import view_config

from cloudhands.web.pages.people.representation import of_colleagues, of_people
from cloudhands.web.representation import Representation
from cloudhands.web.security.scopes import OrganisationScope, Scope

TEMPLATE = "pages/people/templates/people.jinja"


@view_config(
    route_name="people", request_method="GET", permission="people.search", renderer=TEMPLATE
)
def show(scope: Scope, request: Request) -> Representation:
    """Find somebody."""
    return of_people(request, request.GET.get("q", ""))


@view_config(
    route_name="colleagues",
    request_method="GET",
    permission="membership.invite",
    renderer=TEMPLATE,
)
def show_colleagues(scope: OrganisationScope, request: Request) -> Representation:
    """Find somebody to invite."""
    return of_colleagues(request, scope.organisation, request.GET.get("q", ""))
