"""Searching the people of the directory; within an organisation, to invite them."""

from pyramid.config import Configurator

from cloudhands.web.security.scopes import OrganisationScope


def includeme(config: Configurator) -> None:
    """Register the routes."""
    config.add_route("people", "/people")
    config.add_route(
        "colleagues", "/organisations/{organisation}/people", factory=OrganisationScope
    )
    config.scan("cloudhands.web.pages.people")
