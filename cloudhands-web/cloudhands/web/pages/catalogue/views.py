"""The views of the catalogue."""

from pyramid.response import Response
from pyramid.view import view_config

from cloudhands.common.appliance import commands
from cloudhands.common.appliance.commands import Launch
from cloudhands.common.catalogue.queries import every, seen_of_catalogue
from cloudhands.common.catalogue.tables import CatalogueItem
from cloudhands.common.errors import InvalidInput
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.seen import Version
from cloudhands.web.http.creation import created, of_last_creation
from cloudhands.web.http.submission import reject, submitted
from cloudhands.web.pages.catalogue.representation import of_catalogue, of_item
from cloudhands.web.pages.catalogue.scope import ItemScope
from cloudhands.web.representation import Representation
from cloudhands.web.request import PortalRequest
from cloudhands.web.security.scopes import OrganisationScope

LAUNCH = "pages/catalogue/templates/launch.jinja"


def shown(scope: OrganisationScope, request: PortalRequest) -> tuple[Version, ...]:
    """What the catalogue depends on."""
    return (*scope.seen.versions, *seen_of_catalogue(request.connection))


def shown_of_item(scope: ItemScope, request: PortalRequest) -> tuple[Version, ...]:
    """What an item's page depends on; every launch makes its form a new one.

    Where it would go depends on the time as well: a cloud that was full is tried again.
    """
    last = of_last_creation(request)
    return (*scope.seen.versions, scope.version, last, repr(scope.placement))


@view_config(
    route_name="catalogue",
    request_method="GET",
    permission="catalogue.see",
    renderer="pages/catalogue/templates/catalogue.jinja",
    shows=shown,
)
def show(scope: OrganisationScope, request: PortalRequest) -> Representation:
    """What can be launched."""
    return of_catalogue(request, scope.organisation, every(request.db))


@view_config(
    route_name="launch",
    request_method="GET",
    permission="catalogue.see",
    renderer=LAUNCH,
    shows=shown_of_item,
)
def show_item(scope: ItemScope, request: PortalRequest) -> Representation:
    """One item, and the form that launches it."""
    return of_item(request, scope.organisation, scope.item, scope.placement)


@view_config(
    route_name="launch", request_method="POST", permission="appliance.launch", creates=True
)
def launch(scope: ItemScope, request: PortalRequest) -> Response:
    """Ask for an appliance."""
    try:
        wanted = submitted(request, Launch)
        with request.writing() as session:
            organisation = session.get_one(Organisation, scope.seen.id)
            item = session.get_one(CatalogueItem, scope.item_id)
            appliance = commands.launch(
                session,
                request.viewer,
                organisation,
                item,
                wanted,
                request.services.clock(),
                request.services.settings.appliances.lifetime_days,
            )
            path = request.route_path("appliance", appliance=appliance.uuid)
            return created(request, session, path)
    except InvalidInput as error:
        page = of_item(request, scope.organisation, scope.item, scope.placement)
        return reject(request, LAUNCH, page, "launch", error)
