"""The views of the problem types."""

from pyramid.view import view_config

from cloudhands.web.http.conditional import the_release
from cloudhands.web.pages.problems.representation import of_problem, of_problems
from cloudhands.web.pages.problems.scope import ProblemScope
from cloudhands.web.representation import Representation
from cloudhands.web.request import PortalRequest
from cloudhands.web.security.scopes import Scope


@view_config(
    route_name="problems",
    request_method="GET",
    permission="front.see",
    renderer="pages/problems/templates/problems.jinja",
    shows=the_release,
    shared=True,
)
def show_all(scope: Scope, request: PortalRequest) -> Representation:
    """Every type."""
    return of_problems(request)


@view_config(
    route_name="problem",
    request_method="GET",
    permission="front.see",
    renderer="pages/problems/templates/problem.jinja",
    shows=the_release,
    shared=True,
)
def show(scope: ProblemScope, request: PortalRequest) -> Representation:
    """One type."""
    return of_problem(request, scope.problem)
