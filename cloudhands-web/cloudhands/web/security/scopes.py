"""What a request is about, and what the viewer is towards it: the context of every route.

One small query finds out (`common.seen`); the row itself is read when a page needs it. Where the
thing is missing the roles are a stranger's, so that what is not there and what is not yours look
the same.
"""

from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from functools import cached_property
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Connection

from cloudhands.common.appliance import queries as appliances
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.errors import NotFound
from cloudhands.common.membership import queries as memberships
from cloudhands.common.membership.tables import Membership
from cloudhands.common.organisation import queries as organisations
from cloudhands.common.organisation.queries import About
from cloudhands.common.permissions import Role
from cloudhands.common.seen import Seen
from cloudhands.web.request import PortalRequest

VISITOR = frozenset({Role.ANONYMOUS})
PERSON = frozenset({Role.PERSON})


class Scope:
    """A page that is about nothing in particular, or about the viewer.

    `roles` is what the viewer is towards it.
    """

    def __init__(self, request: PortalRequest) -> None:
        self.request = request

    @property
    def roles(self) -> frozenset[Role]:
        """What the viewer is towards it."""
        return PERSON if self.request.signed_in else VISITOR


class Subject(Scope, ABC):
    """A page of the one thing that the path names."""

    name: ClassVar[str]

    def __init__(self, request: PortalRequest) -> None:
        super().__init__(request)
        self.uuid = path_uuid(request, self.name)
        viewer = request.signed_in
        self._seen = self._look(request.connection, viewer.user_id, self.uuid) if viewer else None

    @abstractmethod
    def _look(self, connection: Connection, viewer_id: int, uuid: UUID) -> Seen | None:
        """The thing as a user sees it."""

    @property
    def roles(self) -> frozenset[Role]:
        """See `Scope`."""
        return self._seen.roles if self._seen else super().roles

    @property
    def seen(self) -> Seen:
        """The thing in numbers; asked by whoever may see it."""
        assert self._seen is not None, "what is not there is not shown"
        return self._seen


class OrganisationScope(Subject):
    """A page of the organisation in the path."""

    name = "organisation"

    def _look(self, connection: Connection, viewer_id: int, uuid: UUID) -> Seen | None:
        return organisations.seen(connection, viewer_id, uuid)

    @property
    def organisation(self) -> About:
        """The organisation, as it is now."""
        return organisations.about(self.request.connection, self.seen.id)


class ApplianceScope(Subject):
    """A page of the appliance in the path."""

    name = "appliance"

    def _look(self, connection: Connection, viewer_id: int, uuid: UUID) -> Seen | None:
        return appliances.seen(connection, viewer_id, uuid, self.silent_since)

    @cached_property
    def silent_since(self) -> datetime:
        """Since when a machine must have been booting for it to be told; see `setup.silence`."""
        services = self.request.services
        return services.clock() - timedelta(minutes=services.settings.appliances.booting_minutes)

    @property
    def appliance(self) -> Appliance:
        """Its row, as it is now."""
        return appliances.by_id(self.request.db, self.seen.id)


class MembershipScope(Subject):
    """A page of the membership in the path."""

    name = "membership"

    def _look(self, connection: Connection, viewer_id: int, uuid: UUID) -> Seen | None:
        return memberships.seen(connection, viewer_id, uuid)

    @property
    def membership(self) -> Membership:
        """Its row, as it is now."""
        return memberships.by_id(self.request.db, self.seen.id)


def path_uuid(request: PortalRequest, name: str) -> UUID:
    """A UUID of the path, in its usual spelling: a thing has one address.

    :raises NotFound: if it is not one.
    """
    text = request.matchdict[name]
    try:
        uuid = UUID(text)
    except ValueError:
        uuid = None
    if uuid is None or str(uuid) != text:
        raise NotFound("There is no such page, or it is not yours to see.")
    return uuid
