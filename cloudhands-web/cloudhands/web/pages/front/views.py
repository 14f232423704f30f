"""The views of the front page."""

from pyramid.request import Request
from pyramid.view import view_config

from cloudhands.web.pages.front.representation import of_person, of_visitor
from cloudhands.web.representation import Representation
from cloudhands.web.security.scopes import Scope


@view_config(
    route_name="front",
    request_method="GET",
    permission="front.see",
    renderer="pages/front/templates/front.jinja",
)
def show(scope: Scope, request: Request) -> Representation:
    """What there is for whoever asks."""
    return of_person(request) if request.viewer else of_visitor(request)
