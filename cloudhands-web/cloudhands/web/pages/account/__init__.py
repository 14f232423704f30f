"""The viewer's own account: who they are, and their SSH keys."""

from pyramid.config import Configurator

from cloudhands.web.pages.account.scope import KeyScope


def includeme(config: Configurator) -> None:
    """Register the routes."""
    config.add_route("account", "/account")
    config.add_route("add-key", "/account/keys")
    config.add_route("remove-key", "/account/keys/{key}/remove", factory=KeyScope)
    config.scan("cloudhands.web.pages.account")
