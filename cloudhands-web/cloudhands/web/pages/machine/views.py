"""The views of what a machine asks. They answer plain text whatever is accepted."""

from pyramid.response import Response
from pyramid.view import view_config

from cloudhands.common import tokens
from cloudhands.common.actor.commands import component
from cloudhands.common.actor.queries import MACHINE
from cloudhands.common.appliance import setup, sign_in
from cloudhands.common.appliance.setup import Report
from cloudhands.common.appliance.tables import Appliance
from cloudhands.web.http import etag
from cloudhands.web.http.conditional import PRIVATE
from cloudhands.web.http.submission import submitted
from cloudhands.web.pages.machine.scope import MachineScope
from cloudhands.web.request import PortalRequest


@view_config(
    route_name="machine-authorized-keys", request_method="GET", permission="appliance.ask-keys"
)
def authorized_keys(scope: MachineScope, request: PortalRequest) -> Response:
    """The SSH keys of whoever may sign in now; none let nobody in.

    The first line is a comment with the tag: by it a machine knows that it was us who answered,
    and keeps keys and tag in one file.
    """
    lines = sign_in.keys(request.connection, scope.machine)
    tag = tokens.digest("\n".join(lines))[:32]
    headers = [("ETag", f'"{tag}"'), ("Cache-Control", PRIVATE), ("Vary", "Authorization")]
    if etag.is_known(request.headers.get("If-None-Match", ""), tag):
        return Response(status=304, headerlist=headers)
    text = "".join(f"{line}\n" for line in (f'# "{tag}"', *lines))
    response = Response(text=text, content_type="text/plain", charset="utf-8")
    response.headers.update(headers)
    return response


@view_config(
    route_name="machine-report",
    request_method="POST",
    permission="appliance.report",
    # No browser sends its token, so nobody can make one send a report.
    require_csrf=False,
)
def report(scope: MachineScope, request: PortalRequest) -> Response:
    """How the machine's set-up ended; the same again changes nothing."""
    said = submitted(request, Report)
    now = request.services.clock()
    with request.writing() as session:
        appliance = session.get_one(Appliance, scope.machine.id, with_for_update=True)
        setup.report(session, component(session, MACHINE, now), appliance, said, now)
    return Response(status=204)
