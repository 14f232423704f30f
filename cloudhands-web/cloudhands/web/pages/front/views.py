"""The views of the front page."""

from pyramid.view import view_config

from cloudhands.common.organisation.queries import seen_of_user
from cloudhands.common.seen import Version
from cloudhands.web.pages.front.representation import of_person, of_visitor
from cloudhands.web.representation import Representation
from cloudhands.web.request import PortalRequest
from cloudhands.web.security.scopes import Scope


def shown(scope: Scope, request: PortalRequest) -> tuple[Version, ...]:
    """What the page depends on."""
    viewer = request.signed_in
    return seen_of_user(request.connection, viewer.user_id) if viewer else ()


@view_config(
    route_name="front",
    request_method="GET",
    permission="front.see",
    renderer="pages/front/templates/front.jinja",
    shows=shown,
    shared=True,
)
def show(scope: Scope, request: PortalRequest) -> Representation:
    """What there is for whoever asks."""
    return of_person(request) if request.signed_in else of_visitor(request)
