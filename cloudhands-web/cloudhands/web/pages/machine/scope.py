"""The context of what a machine asks."""

from pyramid.httpexceptions import HTTPUnauthorized

from cloudhands.common.appliance import sign_in
from cloudhands.common.appliance.sign_in import Machine
from cloudhands.common.permissions import Role
from cloudhands.web.http.negotiation import wants_json
from cloudhands.web.request import PortalRequest
from cloudhands.web.security.scopes import Scope, path_uuid

_SCHEME = "bearer "
# RFC 6750, 3.
_CHALLENGE = 'Bearer realm="cloudhands", error="invalid_token"'
_REFUSAL = "The token is not that of a machine which runs this appliance now."


class MachineScope(Scope):
    """The appliance in the path, asked by its machine. For people there is nothing here.

    :raises HTTPUnauthorized: if a program shows a token that is not its machine's now.
    """

    def __init__(self, request: PortalRequest) -> None:
        super().__init__(request)
        self.uuid = path_uuid(request, "appliance")
        self._machine = self._shown()

    def _shown(self) -> Machine | None:
        shown = self.request.headers.get("Authorization", "")
        if not shown:
            return None
        scheme, token = shown[: len(_SCHEME)], shown[len(_SCHEME) :]
        found = None
        if scheme.lower() == _SCHEME:
            services, connection = self.request.services, self.request.connection
            found = sign_in.machine(connection, services.secret, self.uuid, token.strip())
        # Whoever wants a page is a person, whatever they show: to them nothing is here.
        if found is None and wants_json(self.request):
            raise HTTPUnauthorized(_REFUSAL, headers={"WWW-Authenticate": _CHALLENGE})
        return found

    @property
    def roles(self) -> frozenset[Role]:
        """See `Scope`."""
        return frozenset({Role.MACHINE}) if self._machine else super().roles

    @property
    def machine(self) -> Machine:
        """The machine; asked once the permission is checked."""
        assert self._machine is not None, "nobody but a machine is let in"
        return self._machine
