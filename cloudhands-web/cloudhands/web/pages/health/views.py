"""The views of health. They answer JSON whatever is accepted, and no detail: that is in the log."""

import structlog
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config

from cloudhands.common import schema
from cloudhands.common.errors import DatabaseError, IndexUnavailable
from cloudhands.web.security.scopes import Scope
from cloudhands.web.services import Services

log = structlog.get_logger(__name__)


@view_config(route_name="live", request_method="GET", permission="health.see")
def live(scope: Scope, request: Request) -> Response:
    """That the process answers."""
    return _answer(200, status="live")


@view_config(route_name="ready", request_method="GET", permission="health.see")
def ready(scope: Scope, request: Request) -> Response:
    """Whether people can use it.

    Without the index of people nobody can be invited, but all else works: that is `degraded`.
    """
    services = request.services
    if services.stopping.is_set():
        return _answer(503, status="stopping")
    if not _has_database(services):
        return _answer(503, status="unready", database="unavailable")
    if not _has_index(services):
        return _answer(200, status="degraded", database="ok", index="missing")
    return _answer(200, status="ready", database="ok", index="ok")


def _has_database(services: Services) -> bool:
    try:
        schema.check(services.database)
    except DatabaseError as error:
        log.error("not ready", reason=str(error))
        return False
    return True


def _has_index(services: Services) -> bool:
    try:
        services.people.synced()
    except IndexUnavailable:
        return False
    return True


def _answer(code: int, **body: str) -> Response:
    return Response(json_body=body, status=code, cache_control="no-store")
