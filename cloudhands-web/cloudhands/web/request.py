"""The portal's request: what a view, a page's context or a rule of HTTP may ask of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from pyramid.decorator import reify
from pyramid.interfaces import IRoutesMapper
from pyramid.request import Request
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from cloudhands.common.account.sessions import SignedIn, find_session
from cloudhands.common.actor.tables import User
from cloudhands.web.http import body, cookies
from cloudhands.web.http.cookies import SESSION_COOKIE
from cloudhands.web.services import Services


class PortalRequest(Request):
    """A request, with one database connection for all that is read for it.

    A class of its own, because what is added to Pyramid's request makes a new class each time.
    """

    # The strong ETag of what is being answered, for a part of a page that asks for itself again.
    etag: str | None = None

    @property
    def services(self) -> Services:
        """The portal's collaborators."""
        found: Services = self.registry.services
        return found

    @reify
    def connection(self) -> Connection:
        """For small queries; given back when the request ends."""
        self.add_finished_callback(PortalRequest.release)
        return self.services.database.looking()

    @reify
    def db(self) -> Session:
        """For queries of whole rows, on the same connection."""
        return Session(self.connection)

    def release(self) -> None:
        """Give the connection back; what is read afterwards is read anew."""
        opened = self.__dict__
        if "db" in opened:
            opened.pop("db").close()
        if "connection" in opened:
            opened.pop("connection").close()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that commits at the end; no request holds two connections."""
        _ = self.viewer  # who acts is known before, from the other connection
        self.release()
        with self.services.database.writing() as session:
            yield session

    def route_path(self, route_name: str, *elements: str, **kw: Any) -> str:
        """Where something is, as Pyramid says it; at a tenth of the time if ids alone name it."""
        path: str
        route = self._routes.get_route(route_name)
        if route and not elements and ":" not in route.pattern and _are_ids(kw):
            path = self._root + route.pattern.format_map(kw)
        else:
            path = super().route_path(route_name, *elements, **kw)
        return path

    @reify
    def _root(self) -> str:
        root: str = self.script_name
        return root

    @reify
    def _routes(self) -> Any:
        return self.registry.getUtility(IRoutesMapper)

    @reify
    def body_values(self) -> Mapping[str, str]:
        """The fields of the body; see `http.body`."""
        return body.values(self)

    @property
    def is_personal(self) -> bool:
        """Whether it says who asks, truly or not: its answer is for nobody else."""
        return bool(cookies.read(self, SESSION_COOKIE)) or "Authorization" in self.headers

    @reify
    def signed_in(self) -> SignedIn | None:
        """Who is signed in, by the session of the request's cookie."""
        cookie = cookies.read(self, SESSION_COOKIE)
        if not cookie:
            return None
        return find_session(self.connection, cookie, self.services.clock())

    @reify
    def viewer(self) -> User | None:
        """The signed-in user."""
        return self.db.get_one(User, self.signed_in.user_id) if self.signed_in else None


def _are_ids(values: Mapping[str, Any]) -> bool:
    """Whether they need no quoting."""
    for value in values.values():  # noqa: SIM110 (all(...) takes twice as long)
        if type(value) is not UUID:
            return False
    return True
