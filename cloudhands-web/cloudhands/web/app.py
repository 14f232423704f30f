"""Puts the portal together: a WSGI application out of services, HTTP rules and pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyramid.config import Configurator
from pyramid.events import NewRequest
from pyramid.request import Request
from sqlalchemy.orm import Session

from cloudhands.common import plugins
from cloudhands.web import pages
from cloudhands.web.http import body
from cloudhands.web.security.scopes import Scope
from cloudhands.web.services import Services


def make_app(services: Services) -> Any:
    """The WSGI application."""
    return configure(services).make_wsgi_app()


def configure(services: Services) -> Configurator:
    """Everything registered; every page is found by itself, in sorted order."""
    config = Configurator(root_factory=Scope)
    config.set_default_permission("front.see")
    config.add_request_method(lambda request: services, "services", property=True)
    config.add_request_method(_db, "db", reify=True)
    config.add_request_method(_writing, "writing")
    config.add_request_method(body.values, "body_values", reify=True)
    config.add_subscriber(_read_body, NewRequest)
    for module in ("http.negotiation", "http.problems", "security.policy", "security.csrf"):
        config.include(f"cloudhands.web.{module}")
    for page in plugins.submodules(pages):
        config.include(page)
    config.commit()
    return config


def _db(request: Request) -> Session:
    opened = request.services.database.reading()
    session: Session = opened.__enter__()
    request.add_finished_callback(lambda _: opened.__exit__(None, None, None))
    return session


@contextmanager
def _writing(request: Request) -> Iterator[Session]:
    # The reading session's connection is given back first, so that no request holds two.
    request.db.close()
    with request.services.database.writing() as session:
        yield session


def _read_body(event: NewRequest) -> None:
    # A body that cannot be read is refused before anything looks at it, the CSRF check too.
    _ = event.request.body_values
