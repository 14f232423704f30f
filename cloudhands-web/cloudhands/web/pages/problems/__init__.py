"""The types of problems, where the `type` of each `application/problem+json` leads."""

from pyramid.config import Configurator

from cloudhands.web.pages.problems.scope import ProblemScope


def includeme(config: Configurator) -> None:
    """Register the pages."""
    config.add_route("problems", "/problems")
    config.add_route("problem", "/problems/{problem}", factory=ProblemScope)
    config.scan("cloudhands.web.pages.problems")
