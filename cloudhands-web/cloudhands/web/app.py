"""Puts the portal together: a WSGI application out of services, HTTP rules and pages."""

from typing import Any

from pyramid.config import Configurator

from cloudhands.common import plugins
from cloudhands.web import pages
from cloudhands.web.request import PortalRequest
from cloudhands.web.security.scopes import Scope
from cloudhands.web.services import Services

RULES = (
    "http.arrival",
    "http.headers",
    "http.negotiation",
    "http.problems",
    "http.conditional",
    "http.creation",
    "security.policy",
    "security.csrf",
)


def make_app(services: Services) -> Any:
    """The WSGI application."""
    return configure(services).make_wsgi_app()


def configure(services: Services) -> Configurator:
    """Everything registered; every page is found by itself, in sorted order."""
    config = Configurator(root_factory=Scope, request_factory=PortalRequest)
    config.registry.services = services
    config.set_default_permission("front.see")
    for module in RULES:
        config.include(f"cloudhands.web.{module}")
    for page in plugins.submodules(pages):
        config.include(page)
    config.commit()
    return config
