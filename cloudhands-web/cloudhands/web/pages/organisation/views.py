"""The view of an organisation."""

from pyramid.view import view_config

from cloudhands.common.appliance import queries as appliances
from cloudhands.common.membership import queries as memberships
from cloudhands.common.seen import Version
from cloudhands.web.pages.organisation.representation import of_organisation
from cloudhands.web.representation import Representation
from cloudhands.web.request import PortalRequest
from cloudhands.web.security.scopes import OrganisationScope


def shown(scope: OrganisationScope, request: PortalRequest) -> tuple[Version, ...]:
    """What the page depends on."""
    return (
        *scope.seen.versions,
        *appliances.seen_of_organisation(request.connection, scope.seen.id),
        *memberships.seen_of_organisation(request.connection, scope.seen.id),
    )


@view_config(
    route_name="organisation",
    request_method="GET",
    permission="organisation.see",
    renderer="pages/organisation/templates/organisation.jinja",
    shows=shown,
)
@view_config(
    route_name="organisation-live",
    request_method="GET",
    permission="organisation.see",
    renderer="pages/organisation/templates/live.jinja",
    shows=shown,
)
def show(scope: OrganisationScope, request: PortalRequest) -> Representation:
    """One organisation."""
    return of_organisation(request, scope.organisation, scope.roles)
