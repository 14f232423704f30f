"""The context of a relation's page."""

from cloudhands.common.errors import NotFound
from cloudhands.web.pages.rels.relations import RELATIONS, Relation
from cloudhands.web.request import PortalRequest
from cloudhands.web.security.scopes import Scope


class RelationScope(Scope):
    """The link relation in the path.

    :raises NotFound: if it is none of ours.
    """

    relation: Relation

    def __init__(self, request: PortalRequest) -> None:
        super().__init__(request)
        found = RELATIONS.get(request.matchdict["rel"])
        if found is None:
            raise NotFound("There is no such relation. All of them are listed at /rels.")
        self.relation = found
