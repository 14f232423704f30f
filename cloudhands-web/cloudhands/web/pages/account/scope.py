"""The context of a key's routes."""

from sqlalchemy import select

from cloudhands.common.account.tables import SshKey
from cloudhands.common.permissions import Role
from cloudhands.web.request import PortalRequest
from cloudhands.web.security.scopes import PERSON, Scope, path_uuid


class KeyScope(Scope):
    """The SSH key in the path; it is its owner's alone."""

    def __init__(self, request: PortalRequest) -> None:
        super().__init__(request)
        self.uuid = path_uuid(request, "key")

    @property
    def roles(self) -> frozenset[Role]:
        """See `Scope`."""
        viewer = self.request.signed_in
        query = select(SshKey.user_id).where(SshKey.uuid == self.uuid)
        if viewer and self.request.connection.scalar(query) == viewer.user_id:
            return PERSON | {Role.SELF}
        return super().roles
