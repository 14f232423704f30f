"""The front page: sign-in for a visitor; invitations and organisations for a person."""

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    """Register the page."""
    config.add_route("front", "/")
    config.scan("cloudhands.web.pages.front")
