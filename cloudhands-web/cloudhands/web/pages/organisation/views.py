"""The view of an organisation."""

from pyramid.request import Request
from pyramid.view import view_config

from cloudhands.web.pages.organisation.representation import of_organisation
from cloudhands.web.representation import Representation
from cloudhands.web.security.scopes import OrganisationScope


@view_config(
    route_name="organisation",
    request_method="GET",
    permission="organisation.see",
    renderer="pages/organisation/templates/organisation.jinja",
)
def show(scope: OrganisationScope, request: Request) -> Representation:
    """One organisation."""
    return of_organisation(request, scope.organisation, scope.roles)
