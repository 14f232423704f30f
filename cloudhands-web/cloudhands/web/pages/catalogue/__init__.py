"""The catalogue as an organisation sees it, and launching one of its items."""

from pyramid.config import Configurator

from cloudhands.web.pages.catalogue.scope import ItemScope
from cloudhands.web.security.scopes import OrganisationScope


def includeme(config: Configurator) -> None:
    """Register the routes."""
    base = "/organisations/{organisation}/catalogue"
    config.add_route("catalogue", base, factory=OrganisationScope)
    config.add_route("launch", base + "/{item}", factory=ItemScope)
    config.scan("cloudhands.web.pages.catalogue")
