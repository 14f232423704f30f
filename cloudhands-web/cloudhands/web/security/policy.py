"""Pyramid's security policy: the session's user, and the permission table."""

from typing import Any

from pyramid.config import Configurator
from pyramid.interfaces import ISecurityPolicy
from pyramid.request import Request
from pyramid.security import Allowed
from zope.interface import implementer

from cloudhands.common import permissions
from cloudhands.common.account.sessions import find_session
from cloudhands.common.account.tables import PortalSession
from cloudhands.common.actor.tables import User
from cloudhands.web.http import cookies

SESSION_COOKIE = "cloudhands_session"


@implementer(ISecurityPolicy)
class Policy:
    """Asks `common.permissions` with the roles of the route's context."""

    def identity(self, request: Request) -> User | None:
        """The signed-in user."""
        viewer: User | None = request.viewer
        return viewer

    def authenticated_userid(self, request: Request) -> str | None:
        """The signed-in user's public id."""
        return str(request.viewer.uuid) if request.viewer else None

    def permits(self, request: Request, context: Any, permission: str) -> Allowed:
        """Pass, or raise the `Refused` that says why not."""
        # A style sheet costs no look at who asks, and is there when the database is not.
        if permissions.PERMISSIONS[permission] != permissions.EVERYONE:
            permissions.require(permission, context.roles)
        return Allowed(permission)

    def remember(self, request: Request, userid: str, **kw: Any) -> list[tuple[str, str]]:
        """Sign-in sets its own cookie (`pages.session`)."""
        return []

    def forget(self, request: Request, **kw: Any) -> list[tuple[str, str]]:
        """Sign-out clears its own cookie (`pages.session`)."""
        return []


def portal_session(request: Request) -> PortalSession | None:
    """The open session of the request's cookie."""
    cookie = cookies.read(request, SESSION_COOKIE)
    if not cookie:
        return None
    return find_session(request.db, cookie, request.services.clock())


def viewer(request: Request) -> User | None:
    """The signed-in user."""
    return request.portal_session.user if request.portal_session else None


def includeme(config: Configurator) -> None:
    """Install the policy."""
    config.set_security_policy(Policy())
    config.add_request_method(portal_session, reify=True)
    config.add_request_method(viewer, reify=True)
