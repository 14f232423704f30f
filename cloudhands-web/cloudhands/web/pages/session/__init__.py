"""Signing in and out."""

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    """Register the routes."""
    config.add_route("sign-in", "/sign-in")
    config.add_route("sign-out", "/sign-out")
    config.scan("cloudhands.web.pages.session")
