"""The views of the catalogue."""

from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config

from cloudhands.common.appliance import commands
from cloudhands.common.appliance.commands import Launch
from cloudhands.common.catalogue.queries import every
from cloudhands.common.catalogue.tables import CatalogueItem
from cloudhands.common.errors import InvalidInput
from cloudhands.common.organisation.tables import Organisation
from cloudhands.web.http.negotiation import done
from cloudhands.web.http.submission import reject, submitted
from cloudhands.web.pages.catalogue.representation import of_catalogue, of_item
from cloudhands.web.pages.catalogue.scope import ItemScope
from cloudhands.web.representation import Representation
from cloudhands.web.security.scopes import OrganisationScope

LAUNCH = "pages/catalogue/templates/launch.jinja"


@view_config(
    route_name="catalogue",
    request_method="GET",
    permission="catalogue.see",
    renderer="pages/catalogue/templates/catalogue.jinja",
)
def show(scope: OrganisationScope, request: Request) -> Representation:
    """What can be launched."""
    return of_catalogue(request, scope.organisation, every(request.db))


@view_config(route_name="launch", request_method="GET", permission="catalogue.see", renderer=LAUNCH)
def show_item(scope: ItemScope, request: Request) -> Representation:
    """One item, and the form that launches it."""
    return of_item(request, scope.organisation, scope.item)


@view_config(route_name="launch", request_method="POST", permission="appliance.launch")
def launch(scope: ItemScope, request: Request) -> Response:
    """Ask for an appliance."""
    try:
        wanted = submitted(request, Launch)
        with request.writing() as session:
            organisation = session.get_one(Organisation, scope.organisation.id)
            item = session.get_one(CatalogueItem, scope.item.id)
            appliance = commands.launch(
                session, request.viewer, organisation, item, wanted, request.services.clock()
            )
            uuid = appliance.uuid
    except InvalidInput as error:
        page = of_item(request, scope.organisation, scope.item)
        return reject(request, LAUNCH, page, "launch", error)
    return done(request, request.route_path("appliance", appliance=uuid), created=True)
