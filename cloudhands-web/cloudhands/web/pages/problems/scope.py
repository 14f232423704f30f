"""The context of a problem type's page."""

from cloudhands.common.errors import NotFound
from cloudhands.web.http.problem_types import TYPES, ProblemType
from cloudhands.web.request import PortalRequest
from cloudhands.web.security.scopes import Scope


class ProblemScope(Scope):
    """The problem type in the path.

    :raises NotFound: if there is none of that name.
    """

    problem: ProblemType

    def __init__(self, request: PortalRequest) -> None:
        super().__init__(request)
        found = TYPES.get(request.matchdict["problem"])
        if found is None:
            raise NotFound("There is no such problem. All of them are listed at /problems.")
        self.problem = found
