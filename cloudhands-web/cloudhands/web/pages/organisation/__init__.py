"""An organisation: its appliances and its members."""

from pyramid.config import Configurator

from cloudhands.web.security.scopes import OrganisationScope


def includeme(config: Configurator) -> None:
    """Register the page."""
    config.add_route("organisation", "/organisations/{organisation}", factory=OrganisationScope)
    config.add_route(
        "organisation-live", "/organisations/{organisation}/live", factory=OrganisationScope
    )
    config.scan("cloudhands.web.pages.organisation")
