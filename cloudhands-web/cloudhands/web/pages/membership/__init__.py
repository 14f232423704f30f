"""A membership, for the organisation's administrators: its role, and its end."""

from pyramid.config import Configurator

from cloudhands.web.security.scopes import MembershipScope


def includeme(config: Configurator) -> None:
    """Register the page and a route for each thing that can be done."""
    config.add_route("membership", "/memberships/{membership}", factory=MembershipScope)
    for action in ("set-role", "withdraw"):
        config.add_route(action, f"/memberships/{{membership}}/{action}", factory=MembershipScope)
    config.scan("cloudhands.web.pages.membership")
