"""The context of an item's page."""

from pyramid.request import Request

from cloudhands.common.catalogue.queries import by_uuid
from cloudhands.common.catalogue.tables import CatalogueItem
from cloudhands.common.errors import NotFound
from cloudhands.common.permissions import allowed
from cloudhands.web.security.scopes import OrganisationScope, path_uuid


class ItemScope(OrganisationScope):
    """A catalogue item, seen from the organisation in the path."""

    item: CatalogueItem

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        found = by_uuid(request.db, path_uuid(request, "item"))
        if found is not None:
            self.item = found
        elif allowed("catalogue.see", self.roles):
            raise NotFound("The catalogue has no such item.")
