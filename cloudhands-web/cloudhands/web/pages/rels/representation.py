"""The representations of the vocabulary and of one relation."""

from collections.abc import Mapping
from typing import Any

from cloudhands.web.pages.rels.protocol import HEADERS, MEDIA_TYPES, NOTES
from cloudhands.web.pages.rels.relations import IANA, RELATIONS, Relation
from cloudhands.web.pages.rels.template_keys import TEMPLATES
from cloudhands.web.representation import Link, Representation
from cloudhands.web.request import PortalRequest

TITLE = "For programs"


def of_vocabulary(request: PortalRequest) -> Representation:
    """All that a program has to know."""
    return Representation(
        title=TITLE,
        info={
            "notes": NOTES,
            "relations": IANA,
            "templates": [_template(key) for key in TEMPLATES],
            "media_types": MEDIA_TYPES,
            "headers": HEADERS,
        },
        nav=[
            Link("self", request.route_path("rels"), TITLE),
            Link("up", request.route_path("front"), "Front page"),
            Link("help", request.route_path("problems"), "Problems"),
        ],
        items={"item": [of_relation(request, one) for one in RELATIONS.values()]},
    )


def _template(key: str) -> Mapping[str, Any]:
    template = TEMPLATES[key]
    return {
        "key": key,
        "meaning": template.meaning,
        "found": template.found,
        "released": template.is_released,
    }


def of_relation(request: PortalRequest, relation: Relation) -> Representation:
    """One relation."""
    return Representation(
        title=relation.title,
        info={
            "relation": relation.curie,
            "meaning": relation.meaning,
            "found": relation.found,
            "members": relation.members,
        },
        nav=[
            Link("self", request.route_path("rel", rel=relation.name), relation.title),
            Link("up", request.route_path("rels"), TITLE),
        ],
    )
