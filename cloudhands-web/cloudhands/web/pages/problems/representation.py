"""The representations of the problem types and of one."""

from cloudhands.web.http.problem_types import TYPES, ProblemType
from cloudhands.web.representation import Link, Representation
from cloudhands.web.request import PortalRequest

TITLE = "Problems"


def of_problems(request: PortalRequest) -> Representation:
    """Every type of problem."""
    return Representation(
        title=TITLE,
        nav=[
            Link("self", request.route_path("problems"), TITLE),
            Link("up", request.route_path("front"), "Front page"),
            Link("help", request.route_path("rels"), "For programs"),
        ],
        items={"item": [of_problem(request, one) for one in TYPES.values()]},
    )


def of_problem(request: PortalRequest, problem: ProblemType) -> Representation:
    """One type."""
    return Representation(
        title=problem.title,
        info={
            "name": problem.name,
            "status": problem.status,
            "meaning": problem.meaning,
            "remedy": problem.remedy,
        },
        nav=[
            Link("self", request.route_path("problem", problem=problem.name), problem.title),
            Link("up", request.route_path("problems"), TITLE),
        ],
    )
