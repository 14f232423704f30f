"""What a request is about, and what the viewer is towards it: the context of every route.

Where the thing is missing the roles are a stranger's, so that what is not there and what is not
yours look the same.
"""

from functools import cached_property
from uuid import UUID

from pyramid.request import Request

from cloudhands.common.actor.queries import roles_of
from cloudhands.common.appliance import queries as appliances
from cloudhands.common.appliance.tables import Appliance
from cloudhands.common.errors import NotFound
from cloudhands.common.membership import queries as memberships
from cloudhands.common.membership.tables import Membership
from cloudhands.common.organisation import queries as organisations
from cloudhands.common.organisation.tables import Organisation
from cloudhands.common.permissions import Role


class Scope:
    """A page that is about nothing in particular, or about the viewer."""

    def __init__(self, request: Request) -> None:
        self.request = request

    @cached_property
    def roles(self) -> frozenset[Role]:
        """What the viewer is towards it."""
        return roles_of(self.request.viewer)


class OrganisationScope(Scope):
    """A page of the organisation in the path."""

    organisation: Organisation

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        found = organisations.by_uuid(request.db, path_uuid(request, "organisation"))
        if found is not None:
            self.organisation = found
            self.roles = memberships.roles_in(request.db, request.viewer, found)


class ApplianceScope(Scope):
    """A page of the appliance in the path."""

    appliance: Appliance

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        found = appliances.by_uuid(request.db, path_uuid(request, "appliance"))
        if found is not None:
            self.appliance = found
            self.roles = appliances.roles_towards(request.db, request.viewer, found)


class MembershipScope(Scope):
    """A page of the membership in the path."""

    membership: Membership

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        found = memberships.by_uuid(request.db, path_uuid(request, "membership"))
        if found is not None:
            self.membership = found
            self.roles = memberships.roles_towards(request.db, request.viewer, found)


def path_uuid(request: Request, name: str) -> UUID:
    """A UUID of the path.

    :raises NotFound: if it is not one.
    """
    try:
        return UUID(request.matchdict[name])
    except ValueError:
        raise NotFound("There is no such page, or it is not yours to see.") from None
