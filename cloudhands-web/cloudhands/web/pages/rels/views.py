"""The views of the vocabulary."""

from pyramid.view import view_config

from cloudhands.web.http.conditional import the_release
from cloudhands.web.pages.rels.representation import of_relation, of_vocabulary
from cloudhands.web.pages.rels.scope import RelationScope
from cloudhands.web.representation import Representation
from cloudhands.web.request import PortalRequest
from cloudhands.web.security.scopes import Scope


@view_config(
    route_name="rels",
    request_method="GET",
    permission="front.see",
    renderer="pages/rels/templates/rels.jinja",
    shows=the_release,
    shared=True,
)
def show_all(scope: Scope, request: PortalRequest) -> Representation:
    """The whole vocabulary."""
    return of_vocabulary(request)


@view_config(
    route_name="rel",
    request_method="GET",
    permission="front.see",
    renderer="pages/rels/templates/rel.jinja",
    shows=the_release,
    shared=True,
)
def show(scope: RelationScope, request: PortalRequest) -> Representation:
    """One relation."""
    return of_relation(request, scope.relation)
