"""The views of the account."""

from pyramid.response import Response
from pyramid.view import view_config

from cloudhands.common.account import keys
from cloudhands.common.account.keys import NewKey
from cloudhands.common.actor.tables import User
from cloudhands.common.errors import InvalidInput
from cloudhands.common.seen import Version
from cloudhands.web.http.creation import created
from cloudhands.web.http.negotiation import done
from cloudhands.web.http.submission import reject, submitted
from cloudhands.web.pages.account.representation import of_account
from cloudhands.web.pages.account.scope import KeyScope
from cloudhands.web.representation import Representation
from cloudhands.web.request import PortalRequest
from cloudhands.web.security.scopes import Scope

ACCOUNT = "pages/account/templates/account.jinja"


def shown(scope: Scope, request: PortalRequest) -> tuple[Version, ...]:
    """Nothing but the viewer: a key that is added or removed counts as the user's change."""
    return ()


@view_config(
    route_name="account",
    request_method="GET",
    permission="account.see",
    renderer=ACCOUNT,
    shows=shown,
)
def show(scope: Scope, request: PortalRequest) -> Representation:
    """One's own account."""
    return of_account(request, request.viewer)


@view_config(route_name="add-key", request_method="GET", permission="account.see")
@view_config(route_name="remove-key", request_method="GET", permission="account.see")
def to_the_form(scope: Scope, request: PortalRequest) -> Response:
    """After a refused form its address is what the browser shows: lead back to the page."""
    return done(request, request.route_path("account"))


@view_config(route_name="add-key", request_method="POST", permission="key.add", creates=True)
def add_key(scope: Scope, request: PortalRequest) -> Response:
    """Keep one more key."""
    try:
        wanted = submitted(request, NewKey)
    except InvalidInput as error:
        return reject(request, ACCOUNT, of_account(request, request.viewer), "add-key", error)
    with request.writing() as session:
        user = session.get_one(User, request.viewer.id, with_for_update=True)
        keys.add_key(session, user, wanted, request.services.clock())
        return created(request, session, request.route_path("account"))


@view_config(route_name="remove-key", request_method="POST", permission="key.remove")
def remove_key(scope: KeyScope, request: PortalRequest) -> Response:
    """Forget a key."""
    with request.writing() as session:
        user = session.get_one(User, request.viewer.id, with_for_update=True)
        keys.remove_key(session, user, scope.uuid, request.services.clock())
    return done(request, request.route_path("account"))
