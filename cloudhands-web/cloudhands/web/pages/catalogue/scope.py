"""The context of an item's page."""

from pyramid.decorator import reify
from sqlalchemy import select

from cloudhands.common.catalogue.tables import CatalogueItem
from cloudhands.common.errors import NotFound
from cloudhands.common.permissions import allowed
from cloudhands.web.pages.catalogue.preflight import Told, look_ahead
from cloudhands.web.request import PortalRequest
from cloudhands.web.security.scopes import OrganisationScope, path_uuid


class ItemScope(OrganisationScope):
    """A catalogue item, seen from the organisation in the path; `version` is the item's."""

    item_id: int
    version: int

    def __init__(self, request: PortalRequest) -> None:
        super().__init__(request)
        uuid = path_uuid(request, "item")
        if allowed("catalogue.see", self.roles):
            query = select(CatalogueItem.id, CatalogueItem.version).where(
                CatalogueItem.uuid == uuid
            )
            found = request.connection.execute(query).one_or_none()
            if found is None:
                raise NotFound("The catalogue has no such item.")
            self.item_id, self.version = found

    @property
    def item(self) -> CatalogueItem:
        """Its row, as it is now."""
        found: CatalogueItem = self.request.db.get_one(CatalogueItem, self.item_id)
        return found

    @reify
    def placement(self) -> Told:
        """What a launch would meet now."""
        return look_ahead(self.request, self.seen.id, self.item)
