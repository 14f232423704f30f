"""Pyramid's security policy: the session's user, and the permission table."""

from typing import Any

from pyramid.config import Configurator
from pyramid.interfaces import ISecurityPolicy
from pyramid.security import Allowed
from zope.interface import implementer

from cloudhands.common import permissions
from cloudhands.common.actor.tables import User
from cloudhands.web.request import PortalRequest


@implementer(ISecurityPolicy)
class Policy:
    """Asks `common.permissions` with the roles of the route's context."""

    def identity(self, request: PortalRequest) -> User | None:
        """The signed-in user."""
        viewer: User | None = request.viewer
        return viewer

    def authenticated_userid(self, request: PortalRequest) -> str | None:
        """The signed-in user's public id."""
        return str(request.viewer.uuid) if request.viewer else None

    def permits(self, request: PortalRequest, context: Any, permission: str) -> Allowed:
        """Pass, or raise the `Refused` that says why not."""
        # A style sheet costs no look at who asks, and is there when the database is not.
        if permissions.PERMISSIONS[permission] != permissions.EVERYONE:
            permissions.require(permission, context.roles)
        return Allowed(permission)

    def remember(self, request: PortalRequest, userid: str, **kw: Any) -> list[tuple[str, str]]:
        """Sign-in sets its own cookie (`pages.session`)."""
        return []

    def forget(self, request: PortalRequest, **kw: Any) -> list[tuple[str, str]]:
        """Sign-out clears its own cookie (`pages.session`)."""
        return []


def includeme(config: Configurator) -> None:
    """Install the policy."""
    config.set_security_policy(Policy())
