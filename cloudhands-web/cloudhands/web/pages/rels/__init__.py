"""The portal's vocabulary for programs: link relations, templates, media types, headers."""

from pyramid.config import Configurator

from cloudhands.web.pages.rels.scope import RelationScope


def includeme(config: Configurator) -> None:
    """Register the pages; HAL's CURIE `ch:` leads to those of the relations (`http.hal`)."""
    config.add_route("rels", "/rels")
    config.add_route("rel", "/rels/{rel}", factory=RelationScope)
    config.scan("cloudhands.web.pages.rels")
