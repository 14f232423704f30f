"""The views of an appliance."""

from pyramid.response import Response
from pyramid.view import view_config
from sqlalchemy.orm import Session

from cloudhands.common.appliance import commands, server_commands
from cloudhands.common.appliance.commands import Goal
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.errors import InvalidInput, Outdated
from cloudhands.common.expiry import commands as expiry
from cloudhands.common.placement import commands as placement
from cloudhands.common.seen import Version
from cloudhands.web.http import etag, precondition
from cloudhands.web.http.negotiation import done
from cloudhands.web.http.submission import reject, submitted
from cloudhands.web.pages.appliance.representation import of_appliance, of_rename
from cloudhands.web.representation import Representation
from cloudhands.web.request import PortalRequest
from cloudhands.web.security.scopes import ApplianceScope

RENAME = "pages/appliance/templates/rename.jinja"


def shown(scope: ApplianceScope, request: PortalRequest) -> tuple[Version, ...]:
    """What the page depends on."""
    return scope.seen.versions


@view_config(
    route_name="appliance",
    request_method="GET",
    permission="appliance.see",
    renderer="pages/appliance/templates/appliance.jinja",
    shows=shown,
)
@view_config(
    route_name="appliance-live",
    request_method="GET",
    permission="appliance.see",
    renderer="pages/appliance/templates/live.jinja",
    shows=shown,
)
def show(scope: ApplianceScope, request: PortalRequest) -> Representation:
    """One appliance."""
    return of_appliance(request, scope.appliance, scope.roles, scope.silent_since)


@view_config(route_name="start", request_method="GET", permission="appliance.see")
@view_config(route_name="stop", request_method="GET", permission="appliance.see")
@view_config(route_name="reboot", request_method="GET", permission="appliance.see")
@view_config(route_name="delete", request_method="GET", permission="appliance.see")
@view_config(route_name="retry", request_method="GET", permission="appliance.see")
@view_config(route_name="approve", request_method="GET", permission="appliance.see")
@view_config(route_name="extend", request_method="GET", permission="appliance.see")
def to_the_form(scope: ApplianceScope, request: PortalRequest) -> Response:
    """After a refused form its address is what the browser shows: lead back to the page."""
    return _done(scope, request)


@view_config(route_name="start", request_method="POST", permission="appliance.start")
def start(scope: ApplianceScope, request: PortalRequest) -> Response:
    """It shall run."""
    return _set_goal(scope, request, "running")


@view_config(route_name="stop", request_method="POST", permission="appliance.stop")
def stop(scope: ApplianceScope, request: PortalRequest) -> Response:
    """It shall be stopped."""
    return _set_goal(scope, request, "stopped")


@view_config(route_name="reboot", request_method="POST", permission="appliance.reboot")
def reboot(scope: ApplianceScope, request: PortalRequest) -> Response:
    """It shall start anew, once."""
    with request.writing() as session:
        appliance = _locked(session, scope)
        server_commands.reboot(session, request.viewer, appliance, request.services.clock())
    return _done(scope, request)


@view_config(route_name="delete", request_method="POST", permission="appliance.delete")
def delete(scope: ApplianceScope, request: PortalRequest) -> Response:
    """It shall be gone."""
    return _set_goal(scope, request, "deleted")


@view_config(route_name="retry", request_method="POST", permission="appliance.retry")
def retry(scope: ApplianceScope, request: PortalRequest) -> Response:
    """A failed one shall be tried again."""
    with request.writing() as session:
        appliance = _locked(session, scope)
        commands.retry(session, request.viewer, appliance, request.services.clock())
    return _done(scope, request)


@view_config(route_name="approve", request_method="POST", permission="appliance.approve")
def approve(scope: ApplianceScope, request: PortalRequest) -> Response:
    """It may use the public cloud that it waits for."""
    with request.writing() as session:
        appliance = _locked(session, scope)
        placement.approve(session, request.viewer, appliance, request.services.clock())
    return _done(scope, request)


@view_config(route_name="extend", request_method="POST", permission="appliance.extend")
def extend(scope: ApplianceScope, request: PortalRequest) -> Response:
    """It shall last as long as a new one would."""
    services = request.services
    with request.writing() as session:
        days, now = services.settings.appliances.lifetime_days, services.clock()
        expiry.extend(session, request.viewer, _locked(session, scope), days, now)
    return _done(scope, request)


@view_config(
    route_name="rename",
    request_method="GET",
    permission="appliance.rename",
    renderer=RENAME,
    shows=shown,
    edits=True,
)
@view_config(
    route_name="resize",
    request_method="GET",
    permission="appliance.resize",
    renderer=RENAME,
    shows=shown,
    edits=True,
)
def show_rename(scope: ApplianceScope, request: PortalRequest) -> Representation:
    """The form that renames it, and the one that resizes it."""
    return of_rename(request, scope.appliance)


@view_config(route_name="rename", request_method="POST", permission="appliance.rename", edits=True)
def rename(scope: ApplianceScope, request: PortalRequest) -> Response:
    """It shall be called something else."""
    try:
        wanted = submitted(request, commands.Rename)
        with request.writing() as session:
            appliance = _locked(session, scope)
            precondition.check(request, etag.state(appliance.uuid, appliance.wanted_version))
            now = request.services.clock()
            commands.rename(session, request.viewer, appliance, wanted, now)
    except (InvalidInput, Outdated) as error:
        return reject(request, RENAME, of_rename(request, scope.appliance), "rename", error)
    return _done(scope, request)


@view_config(route_name="resize", request_method="POST", permission="appliance.resize", edits=True)
def resize(scope: ApplianceScope, request: PortalRequest) -> Response:
    """It shall have another size."""
    try:
        wanted = submitted(request, server_commands.Resize)
        with request.writing() as session:
            appliance = _locked(session, scope)
            precondition.check(request, etag.state(appliance.uuid, appliance.wanted_version))
            now = request.services.clock()
            server_commands.resize(session, request.viewer, appliance, wanted, now)
    except (InvalidInput, Outdated) as error:
        return reject(request, RENAME, of_rename(request, scope.appliance), "resize", error)
    return _done(scope, request)


def _set_goal(scope: ApplianceScope, request: PortalRequest, goal: Goal) -> Response:
    with request.writing() as session:
        appliance = _locked(session, scope)
        commands.set_goal(session, request.viewer, appliance, goal, request.services.clock())
    return _done(scope, request)


def _locked(session: Session, scope: ApplianceScope) -> Appliance:
    return session.get_one(Appliance, scope.seen.id, with_for_update=True)


def _done(scope: ApplianceScope, request: PortalRequest) -> Response:
    return done(request, request.route_path("appliance", **request.matchdict))
