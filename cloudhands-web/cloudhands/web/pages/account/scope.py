"""The context of a key's routes."""

from pyramid.request import Request
from sqlalchemy import select

from cloudhands.common.account.tables import SshKey
from cloudhands.common.permissions import Role
from cloudhands.web.security.scopes import Scope, path_uuid


class KeyScope(Scope):
    """The SSH key in the path; it is its owner's alone."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.uuid = path_uuid(request, "key")
        owner = request.db.scalar(select(SshKey.user_id).where(SshKey.uuid == self.uuid))
        if request.viewer is not None and owner == request.viewer.id:
            self.roles |= {Role.SELF}
