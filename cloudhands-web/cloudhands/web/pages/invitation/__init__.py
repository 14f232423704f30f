"""An invitation: its page and accepting it. Sending one is on the people page."""

from pyramid.config import Configurator

from cloudhands.web.security.scopes import MembershipScope, OrganisationScope


def includeme(config: Configurator) -> None:
    """Register the routes."""
    config.add_route("invitation", "/invitations/{membership}", factory=MembershipScope)
    config.add_route("accept", "/invitations/{membership}/accept", factory=MembershipScope)
    config.add_route(
        "invite", "/organisations/{organisation}/invitations", factory=OrganisationScope
    )
    config.scan("cloudhands.web.pages.invitation")
